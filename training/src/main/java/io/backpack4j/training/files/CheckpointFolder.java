// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.files;

import io.backpack4j.formats.FormatProblems;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.formats.SafetensorsType;
import io.backpack4j.formats.SafetensorsWriter;
import io.backpack4j.formats.SafetensorsWriterBuilder;
import io.backpack4j.formats.TensorInfo;
import io.backpack4j.kernel.SessionState;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.Checkpoint;
import io.backpack4j.training.Checkpoints;
import io.backpack4j.training.State;
import io.backpack4j.training.TrainingProblems;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A folder of checkpoints, one safetensors file each: {@code step-000000120.safetensors} after 120 steps, and {@code
 * best.safetensors}. A file is written beside its place and moved there when it is complete.
 */
public final class CheckpointFolder implements Checkpoints {

    private static final String FORMAT = "format";
    private static final String FORMAT_NAME = "backpack4j checkpoint";
    private static final String VERSION = "version";
    private static final String VERSION_NUMBER = "1";
    private static final String TEXT = "text.";
    private static final String BEST = "best.safetensors";
    private static final Pattern NAME = Pattern.compile("step-[0-9]{9,}\\.safetensors");
    private static final int PIECE = 1 << 16;

    private final Path folder;
    private final int kept;

    /**
     * Names a folder, which is made with the first checkpoint.
     *
     * @param kept how many of the last checkpoints are kept, beside the best
     */
    public CheckpointFolder(Path folder, int kept) {
        this.folder = folder;
        this.kept = Math.max(1, kept);
    }

    @Override
    public void begin() {
        try {
            for (Path old : all()) {
                Files.deleteIfExists(old);
            }
            Files.deleteIfExists(folder.resolve(BEST));
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    @Override
    public void save(Checkpoint checkpoint) {
        write(checkpoint, folder.resolve(String.format(Locale.ROOT, "step-%09d.safetensors", checkpoint.step())));
        List<Path> all = all();
        try {
            for (Path old : all.subList(0, Math.max(0, all.size() - kept))) {
                Files.deleteIfExists(old);
            }
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    @Override
    public void saveBest(Checkpoint checkpoint) {
        write(checkpoint, folder.resolve(BEST));
    }

    @Override
    public Optional<Checkpoint> last() {
        List<Path> all = all();
        return all.isEmpty() ? Optional.empty() : Optional.of(read(all.get(all.size() - 1)));
    }

    private List<Path> all() {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(
                            file -> NAME.matcher(file.getFileName().toString()).matches())
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new BackpackException(
                    FormatProblems.INVALID_FILE, "The folder '%s' cannot be read: %s.".formatted(folder, e), e);
        }
    }

    private void write(Checkpoint checkpoint, Path file) {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw unwritable(e);
        }
        SafetensorsWriterBuilder builder = SafetensorsWriter.to(file)
                .metadata(FORMAT, FORMAT_NAME)
                .metadata(VERSION, VERSION_NUMBER)
                .metadata("step", String.valueOf(checkpoint.step()))
                .metadata("epoch", String.valueOf(checkpoint.epoch()))
                .metadata("batch", String.valueOf(checkpoint.batch()));
        checkpoint.state().texts().forEach((name, text) -> builder.metadata(TEXT + name, text));
        checkpoint.state().tensors().forEach((name, numbers) -> builder.tensor(name, numbers.dtype(), numbers.shape()));
        try (SafetensorsWriter writer = builder.open()) {
            checkpoint.state().tensors().forEach((name, numbers) -> write(writer, name, numbers));
            writer.commit();
        }
    }

    private static void write(SafetensorsWriter writer, String name, SessionState.Numbers numbers) {
        long elements = numbers.shape().elements();
        int length = (int) Math.min(PIECE, elements);
        double[] piece = new double[length];
        long[] integers = new long[numbers.dtype() == DType.INT64 ? length : 0];
        for (long from = 0; from < elements; from += length) {
            int count = (int) Math.min(length, elements - from);
            if (numbers.dtype() == DType.INT64) {
                numbers.readIntegers(from, integers, 0, count);
                writer.write(name, from, integers, 0, count);
            } else {
                numbers.read(from, piece, 0, count);
                writer.write(name, from, piece, 0, count);
            }
        }
    }

    /**
     * Reads a checkpoint.
     *
     * @return keeps the file open until it is closed
     * @throws BackpackException if it is none, or damaged, naming the file
     */
    public static Checkpoint read(Path path) {
        Safetensors file = Safetensors.open(path);
        try {
            Map<String, String> about = file.metadata();
            boolean known = FORMAT_NAME.equals(about.get(FORMAT)) && VERSION_NUMBER.equals(about.get(VERSION));
            if (!known) {
                throw foreign(
                        path, "says that it is %s of version %s".formatted(about.get(FORMAT), about.get(VERSION)));
            }
            Map<String, String> texts = new LinkedHashMap<>();
            about.forEach((name, text) -> {
                if (name.startsWith(TEXT)) {
                    texts.put(name.substring(TEXT.length()), text);
                }
            });
            Map<String, SessionState.Numbers> tensors = new LinkedHashMap<>();
            file.tensors()
                    .forEach((name, tensor) -> tensors.put(name, new FileNumbers(file, tensor, type(path, tensor))));
            return new Checkpoint(
                    count(path, about, "step"),
                    count(path, about, "epoch"),
                    count(path, about, "batch"),
                    new State(tensors, texts),
                    file);
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    private static long count(Path path, Map<String, String> about, String name) {
        String text = String.valueOf(about.get(name));
        if (!text.matches("[0-9]{1,18}")) {
            throw foreign(path, "has '%s' as its %s".formatted(text, name));
        }
        return Long.parseLong(text);
    }

    private static DType type(Path path, TensorInfo tensor) {
        if (tensor.type() == SafetensorsType.F64) {
            return DType.FLOAT64;
        }
        if (tensor.type() == SafetensorsType.F32) {
            return DType.FLOAT32;
        }
        if (tensor.type() == SafetensorsType.I64) {
            return DType.INT64;
        }
        throw foreign(path, "has tensor '%s' of %s".formatted(tensor.name(), tensor.type()));
    }

    private static BackpackException foreign(Path path, String what) {
        return new BackpackException(
                TrainingProblems.FOREIGN_CHECKPOINT,
                "File '%s' is not a checkpoint of this program: it %s. Remove it from the folder, or name another folder."
                        .formatted(path, what));
    }

    private BackpackException unwritable(IOException cause) {
        return new BackpackException(
                FormatProblems.UNWRITABLE_FILE,
                "Checkpoints cannot be written to '%s': %s. Name another place, or free space there."
                        .formatted(folder, cause),
                cause);
    }

    private record FileNumbers(Safetensors file, TensorInfo tensor, DType dtype) implements SessionState.Numbers {

        @Override
        public Shape shape() {
            return tensor.shape();
        }

        @Override
        public void readIntegers(long from, long[] target, int offset, int count) {
            file.read(tensor.name(), from, target, offset, count);
        }

        @Override
        public void read(long from, double[] target, int offset, int count) {
            file.read(tensor.name(), from, target, offset, count);
        }
    }
}
