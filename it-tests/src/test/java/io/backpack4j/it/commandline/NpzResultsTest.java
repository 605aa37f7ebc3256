// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.formats.Safetensors;
import io.backpack4j.formats.SafetensorsType;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Results as NumPy's npz hold the very numbers that those as safetensors hold. */
class NpzResultsTest {

    @TempDir
    Path directory;

    /** The numbers of each member, as bytes. */
    static Map<String, byte[]> read(Path file) throws IOException {
        Map<String, byte[]> members = new LinkedHashMap<>();
        try (InputStream stream = Files.newInputStream(file);
                ZipInputStream zip = new ZipInputStream(stream)) {
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                byte[] bytes = zip.readAllBytes();
                int header = 10
                        + Short.toUnsignedInt(ByteBuffer.wrap(bytes)
                                .order(ByteOrder.LITTLE_ENDIAN)
                                .getShort(8));
                members.put(
                        entry.getName().replaceFirst("\\.npy$", ""),
                        java.util.Arrays.copyOfRange(bytes, header, bytes.length));
            }
        }
        return members;
    }

    static void assertSame(Path npz, Path safetensors) throws IOException {
        Map<String, byte[]> members = read(npz);
        try (Safetensors file = Safetensors.open(safetensors)) {
            assertThat(members.keySet())
                    .containsExactlyInAnyOrderElementsOf(file.tensors().keySet());
            for (Map.Entry<String, byte[]> member : members.entrySet()) {
                assertThat(file.tensor(member.getKey()).type()).isEqualTo(SafetensorsType.F64);
                double[] expected = file.readDoubles(member.getKey());
                double[] read = new double[member.getValue().length / Double.BYTES];
                ByteBuffer.wrap(member.getValue())
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .asDoubleBuffer()
                        .get(read);
                assertThat(read).as(member.getKey()).isEqualTo(expected);
            }
        }
    }

    private Workspace workspace(String out) {
        return new Workspace(directory)
                .option("--extensions", "BatchGrad,SqrtGGNExact,KFAC,Variance")
                .option("--dtype", "float64")
                .option("--memory", "64KiB")
                .option("--out", directory.resolve(out).toString());
    }

    @Test
    void evaluate_writes_npz_by_its_ending() throws IOException {
        Run run = workspace("r.NPZ").run();
        assertThat(run.err()).isEmpty();
        assertThat(workspace("r.safetensors").run().code()).isZero();
        assertSame(directory.resolve("r.NPZ"), directory.resolve("r.safetensors"));
        assertThat(read(directory.resolve("r.NPZ"))).containsKeys("loss", "0.weight/sqrt_ggn_exact", "2.bias/kfac/0");
    }

    @Test
    void another_ending_is_refused_before_anything_is_computed() {
        Run run = workspace("r.csv").run();
        assertThat(run.code()).isNotZero();
        assertThat(run.err())
                .contains("[InvalidOption] --out names '")
                .contains(
                        "Results are written as safetensors or npz: name a file that ends in '.safetensors' or '.npz'.");
    }
}
