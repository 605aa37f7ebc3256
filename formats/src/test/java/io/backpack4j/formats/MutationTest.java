// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.Shape;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Damaged inputs are either read or refused with an error of ours; nothing else happens. */
class MutationTest {

    private static final int INPUTS = 5_000;
    private static final byte[] LIKELY = "{}[](),:=\"'-0123456789.eE*\\ntfN \0\u007f".getBytes(StandardCharsets.UTF_8);

    @TempDir
    Path directory;

    @Test
    void safetensors() {
        byte[] valid = SafetensorsBytes.of("""
            {"__metadata__": {"case": "x"},
             "a": {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]},
             "b": {"dtype": "I64", "shape": [], "data_offsets": [8, 16]},
             "c": {"dtype": "BF16", "shape": [0], "data_offsets": [16, 16]}}\
            """, new byte[16]);
        Path path = directory.resolve("f");
        survives(valid, bytes -> {
            try (Safetensors file = Safetensors.open(SafetensorsBytes.write(path, bytes))) {
                file.tensors().forEach((name, tensor) -> {
                    if (tensor.type().isFloating()) {
                        file.readDoubles(name);
                    } else {
                        file.readLongs(name);
                    }
                });
            }
        });
    }

    @Test
    void models() {
        byte[] valid = """
            {"nodes": [{"name": "0", "type": "Conv2d", "kernel_size": [3, 3], "bias": true, "inputs": ["input"]},
             {"name": "1", "type": "Slice", "slices": [[null, 1, 2], 0], "requires_grad": ["weight"],
              "tie": {"weight": "0.weight"}, "x": -1.5e3}],
             "inputs": ["input"], "output": "1", "loss": {"type": "MSELoss", "reduction": "mean"}}\
            """.getBytes(StandardCharsets.UTF_8);
        Path path = directory.resolve("f");
        survives(valid, bytes -> ModelFile.read(SafetensorsBytes.write(path, bytes)));
    }

    @Test
    void idxFiles() throws IOException {
        Path path = directory.resolve("f.gz");
        IdxFile.of(Shape.of(2, 3), new byte[6]).write(path);
        survives(Files.readAllBytes(path), bytes -> IdxFile.read(new ByteArrayInputStream(bytes), "f"));
        byte[] plain = {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6};
        survives(plain, bytes -> IdxFile.read(new ByteArrayInputStream(bytes), "f"));
    }

    @Test
    void expressions() {
        byte[] valid = "KFAC(mc_samples=10),BatchGrad(subsampling=[0,[2,-1.5e3]],as=x),Variance(parameters=[0.*])"
                .getBytes(StandardCharsets.UTF_8);
        survives(valid, bytes -> ExtensionExpressions.parse(new String(bytes, StandardCharsets.UTF_8)));
    }

    private static void survives(byte[] valid, Consumer<byte[]> reader) {
        reader.accept(valid);
        Random random = new Random(20260101);
        int refused = 0;
        for (int i = 0; i < INPUTS; i++) {
            byte[] input = mutate(valid, random);
            try {
                reader.accept(input);
            } catch (BackpackException e) {
                refused++;
            } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
                throw new AssertionError("Input " + i + ": " + Arrays.toString(input), e);
            }
        }
        assertThat(refused).isBetween(INPUTS / 10, INPUTS);
    }

    private static byte[] mutate(byte[] valid, Random random) {
        byte[] bytes = valid.clone();
        int times = 1 + random.nextInt(3);
        for (int i = 0; i < times && bytes.length > 0; i++) {
            int at = random.nextInt(bytes.length);
            switch (random.nextInt(6)) {
                case 0 -> bytes[at] = (byte) random.nextInt();
                case 1 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 2 -> bytes[at] = LIKELY[random.nextInt(LIKELY.length)];
                case 3 -> bytes = Arrays.copyOf(bytes, at);
                case 4 -> bytes = splice(bytes, at + random.nextInt(bytes.length - at), at);
                default -> bytes = splice(bytes, at, Math.min(bytes.length, at + 1 + random.nextInt(4)));
            }
        }
        return bytes;
    }

    /** The bytes before {@code to}, then those from {@code from} on: some are repeated or left out. */
    private static byte[] splice(byte[] bytes, int to, int from) {
        byte[] spliced = Arrays.copyOf(bytes, to + bytes.length - from);
        System.arraycopy(bytes, from, spliced, to, bytes.length - from);
        return spliced;
    }
}
