// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import io.backpack4j.formats.ForeignModel;
import io.backpack4j.formats.ModelTensor;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.onnx.wire.Bytes;
import io.backpack4j.spi.BackpackException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Damaged files are read, or refused with a message, and in no time. A build tries few; {@code
 * -Donnx.mutations=100000} takes minutes.
 */
class MutatedFilesTest {

    private static final int MUTATIONS = Integer.getInteger("onnx.mutations", 2000);
    private static final long SEED = Long.getLong("onnx.seed", System.nanoTime());
    private static final Duration LIMIT = Duration.ofSeconds(60);

    @Test
    void damaged_files_are_read_or_refused() throws IOException {
        System.out.println("onnx.seed=" + SEED);
        Random random = new Random(SEED);
        List<byte[]> files = new ArrayList<>();
        for (Path file : Fixtures.all()) {
            files.add(Files.readAllBytes(file));
        }
        int refused = 0;
        try (BackPack backpack = BackPack.builder().build()) {
            for (int i = 0; i < MUTATIONS; i++) {
                byte[] damaged = mutated(files.get(random.nextInt(files.size())), random);
                boolean read = assertTimeoutPreemptively(LIMIT, () -> read(backpack, damaged));
                refused += read ? 0 : 1;
            }
        }
        System.out.println(refused + " of " + MUTATIONS + " refused");
        assertThat(refused).isPositive();
    }

    /** Whether a file was read; any other end than a message is a failure. */
    private static boolean read(BackPack backpack, byte... bytes) {
        try {
            ForeignModel model = OnnxFormat.read(
                    "damaged", Bytes.of(bytes), Optional.empty(), backpack.catalog(), LossDescription.NONE);
            for (ModelTensor tensor : model.numbers().tensors().values()) {
                int count = (int) Math.min(100, tensor.shape().elements());
                tensor.read(tensor.shape().elements() - count, new double[count], count);
            }
            return true;
        } catch (BackpackException e) {
            assertThat(e.problems()).isNotEmpty();
            return false;
        }
    }

    private static byte[] mutated(byte[] file, Random random) {
        byte[] bytes = file.clone();
        switch (random.nextInt(6)) {
            case 0 -> bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length));
            case 1 -> { // a part twice
                int from = random.nextInt(bytes.length);
                int length = random.nextInt(Math.min(400, bytes.length - from));
                byte[] longer = new byte[bytes.length + length];
                System.arraycopy(bytes, 0, longer, 0, from + length);
                System.arraycopy(bytes, from, longer, from + length, bytes.length - from);
                bytes = longer;
            }
            case 2 -> { // a part missing
                int from = random.nextInt(bytes.length);
                int length = random.nextInt(Math.min(400, bytes.length - from));
                byte[] shorter = new byte[bytes.length - length];
                System.arraycopy(bytes, 0, shorter, 0, from);
                System.arraycopy(bytes, from + length, shorter, from, bytes.length - from - length);
                bytes = shorter;
            }
            default -> {
                int count = 1 + random.nextInt(4);
                for (int i = 0; i < count; i++) {
                    int at = random.nextInt(bytes.length);
                    bytes[at] = random.nextBoolean()
                            ? (byte) random.nextInt()
                            : (byte) (bytes[at] ^ 1 << random.nextInt(8));
                }
            }
        }
        return bytes;
    }
}
