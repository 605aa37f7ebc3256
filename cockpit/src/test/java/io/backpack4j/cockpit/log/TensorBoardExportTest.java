// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.log;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.backpack4j.cockpit.quantity.Value;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Event files against TensorBoard's own reader. The fixture's event file was read by {@code EventAccumulator} of
 * TensorBoard 2.21.0, and {@code as-read.jsonl} is what it found there: a line per scalar or histogram of a step.
 */
class TensorBoardExportTest {

    private static final Path FIXTURE = Path.of("src/test/resources/tensorboard");
    private static final String FILE = "events.out.tfevents.1700000000.backpack4j";

    @TempDir
    Path folder;

    @Test
    void the_file_is_the_one_that_tensorboard_has_read() throws IOException {
        RunLog log = RunLog.read(FIXTURE.resolve("run.jsonl"));
        Path written = TensorBoardExport.write(log, folder, 1_700_000_000L);
        assertThat(written).hasFileName(FILE).hasSameBinaryContentAs(FIXTURE.resolve(FILE));
    }

    @Test
    void what_tensorboard_has_read_is_what_the_log_says() throws IOException {
        RunLog log = RunLog.read(FIXTURE.resolve("run.jsonl"));
        ObjectMapper json = new ObjectMapper();
        for (String line : Files.readAllLines(FIXTURE.resolve("as-read.jsonl"))) {
            JsonNode read = json.readTree(line);
            String[] tag = read.get("tag").asText().split("/", 2);
            Value value = tag[0].equals("epoch")
                    ? log.epochs().get(read.get("step").asLong()).get(tag[1])
                    : log.value(read.get("step").asLong(), tag[0]).orElseThrow();
            if (value instanceof Value.Histogram histogram) {
                for (int i = 0; i < histogram.counts().size(); i++) {
                    assertThat(read.get("counts").get(i).asLong())
                            .isEqualTo(histogram.counts().get(i));
                    assertThat(read.get("limits").get(i).asDouble())
                            .isEqualTo(histogram.edges().get(i + 1));
                }
            } else {
                Value own = value instanceof Value.Several several
                        ? several.values().get(log.names(tag[0]).indexOf(tag[1]))
                        : value;
                assertThat((float) read.get("value").asDouble()).as(line).isEqualTo((float)
                        own.number().orElseThrow());
            }
        }
    }
}
