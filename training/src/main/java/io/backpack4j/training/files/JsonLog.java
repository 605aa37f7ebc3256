// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.files;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.backpack4j.formats.FormatProblems;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.training.State;
import io.backpack4j.training.Training;
import io.backpack4j.training.TrainingLog;
import io.backpack4j.training.TrainingProblems;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A log of JSON lines. The first names {@code schema}, {@code version}, {@code model}, {@code optimizer}, {@code seed}
 * and {@code parameters}; a step's line has {@code step}, {@code values} and perhaps {@code details}, an epoch's {@code
 * epoch} and {@code values}. There are no times in it: equal runs have equal logs. Each line is in the file when the
 * call returns.
 */
public final class JsonLog implements TrainingLog {

    private static final JsonFactory FACTORY = new JsonFactory();
    private static final String VALUES = "values";

    private final Path path;
    private final String model;
    private @Nullable FileChannel channel;

    /**
     * Names a file, which is made when the run begins.
     *
     * @param model what the first line calls the network
     */
    public JsonLog(Path path, String model) {
        this.path = path;
        this.model = model;
    }

    @Override
    public void begin(Training training) {
        open(StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE);
        line(json -> {
            json.writeStringField("schema", "backpack4j run");
            json.writeNumberField("version", 1);
            json.writeStringField("model", model);
            json.writeStringField("optimizer", TrainingExpressions.text(training.optimizer()));
            json.writeNumberField("seed", training.seed());
            json.writeArrayFieldStart("parameters");
            for (String parameter : training.parameters()) {
                json.writeString(parameter);
            }
            json.writeEndArray();
        });
    }

    @Override
    public void step(long step, Map<String, ?> values, Map<String, ?> details) {
        line(json -> {
            json.writeNumberField("step", step);
            json.writeFieldName(VALUES);
            value(json, values);
            if (!details.isEmpty()) {
                json.writeFieldName("details");
                value(json, details);
            }
        });
    }

    @Override
    public void epoch(long epoch, Map<String, Double> values) {
        line(json -> {
            json.writeNumberField("epoch", epoch);
            json.writeFieldName(VALUES);
            value(json, values);
        });
    }

    @Override
    public void save(State state) {
        try {
            opened().force(false);
            state.put("bytes", opened().position());
        } catch (IOException e) {
            throw failure(e);
        }
    }

    @Override
    public void load(State state) {
        open(StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        long bytes = state.integer("bytes");
        try {
            if (opened().size() < bytes) {
                throw new BackpackException(
                        TrainingProblems.FOREIGN_CHECKPOINT,
                        "The log '%s' has %d bytes, but had %d when the checkpoint was made. Restore it, or start anew."
                                .formatted(path, opened().size(), bytes));
            }
            opened().truncate(bytes).position(bytes);
        } catch (IOException e) {
            throw failure(e);
        }
    }

    @Override
    public void close() {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException e) {
            throw failure(e);
        }
    }

    private void open(StandardOpenOption... options) {
        try {
            channel = FileChannel.open(path, options);
        } catch (IOException e) {
            throw failure(e);
        }
    }

    private FileChannel opened() {
        if (channel == null) {
            throw new IllegalStateException("The log has not begun");
        }
        return channel;
    }

    private interface Fields {
        void write(JsonGenerator json) throws IOException;
    }

    private void line(Fields fields) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = FACTORY.createGenerator(text)) {
            json.writeStartObject();
            fields.write(json);
            json.writeEndObject();
        } catch (IOException e) {
            throw failure(e);
        }
        ByteBuffer bytes = ByteBuffer.wrap((text + "\n").getBytes(StandardCharsets.UTF_8));
        try {
            while (bytes.hasRemaining()) {
                opened().write(bytes);
            }
        } catch (IOException e) {
            throw failure(e);
        }
    }

    private static void value(JsonGenerator json, @Nullable Object value) throws IOException {
        if (value instanceof Map<?, ?> map) {
            json.writeStartObject();
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                json.writeFieldName(String.valueOf(entry.getKey()));
                value(json, entry.getValue());
            }
            json.writeEndObject();
        } else if (value instanceof List<?> list) {
            json.writeStartArray();
            for (Object element : list) {
                value(json, element);
            }
            json.writeEndArray();
        } else if (value instanceof double[] numbers) {
            json.writeStartArray();
            for (double number : numbers) {
                value(json, number);
            }
            json.writeEndArray();
        } else if (value instanceof Long || value instanceof Integer) {
            json.writeNumber(((Number) value).longValue());
        } else if (value instanceof Number number) {
            number(json, number.doubleValue());
        } else if (value instanceof Boolean flag) {
            json.writeBoolean(flag);
        } else {
            json.writeString(String.valueOf(value));
        }
    }

    private static void number(JsonGenerator json, double number) throws IOException {
        if (Double.isFinite(number)) {
            json.writeNumber(number);
        } else {
            json.writeStartObject();
            json.writeStringField("missing", String.valueOf(number));
            json.writeEndObject();
        }
    }

    private BackpackException failure(IOException cause) {
        return new BackpackException(
                FormatProblems.UNWRITABLE_FILE,
                "The log '%s' cannot be written: %s. Name another place, or free space there."
                        .formatted(path, cause.getMessage()),
                cause);
    }
}
