// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.formats.IdxFile;
import io.backpack4j.formats.SafetensorsWriter;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.ArraySource;
import io.backpack4j.training.data.AugmentedSource;
import io.backpack4j.training.data.BatchData;
import io.backpack4j.training.data.HostTensor;
import io.backpack4j.training.data.IterableBatches;
import io.backpack4j.training.data.Normalization;
import io.backpack4j.training.data.NormalizedSource;
import io.backpack4j.training.files.DataSets;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataTest {

    @TempDir
    private Path folder;

    private BatchData read(String names, long... numbers) {
        DataSets.Opened opened = DataSets.open(names, List.of("input"));
        try (var source = opened.source()) {
            BatchData data = source.read(numbers, 1);
            assertThat(data.ids()).isEqualTo(numbers);
            HostTensor input = data.inputs().get("input");
            assertThat(input.shape().dropFirst(1)).isEqualTo(opened.samples().get(0));
            return data;
        }
    }

    private static double[] values(HostTensor tensor) {
        return IntStream.range(0, (int) tensor.shape().elements())
                .mapToDouble(tensor::value)
                .toArray();
    }

    private static double[] input(BatchData data) {
        return values(data.inputs().get("input"));
    }

    private String write(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text).toString();
    }

    @Test
    void idx() {
        Path images = folder.resolve("a-idx3-ubyte.gz");
        Path labels = folder.resolve("a-idx1-ubyte");
        IdxFile.of(Shape.of(2, 1, 2), new byte[] {1, 2, (byte) 200, 4}).write(images);
        IdxFile.of(Shape.of(2), new byte[] {7, 9}).write(labels);
        BatchData data = read(images + "," + labels, 1, 0);
        assertThat(input(data)).containsExactly(200, 4, 1, 2);
        assertThat(values(data.targets())).containsExactly(9, 7);
    }

    @Test
    void safetensorsAreReadByRanges() {
        Path file = folder.resolve("d.safetensors");
        try (SafetensorsWriter writer = SafetensorsWriter.to(file)
                .tensor("input", DType.FLOAT64, Shape.of(4, 2))
                .tensor("target", DType.INT64, Shape.of(4))
                .open()) {
            writer.write("input", 0, new double[] {0, 1, 2, 3, 4, 5, 6, 7}, 0, 8);
            writer.write("target", 0, new long[] {3, 2, 1, 0}, 0, 4);
            writer.commit();
        }
        BatchData data = read(file.toString(), 3, 1, 2);
        assertThat(input(data)).containsExactly(6, 7, 2, 3, 4, 5);
        assertThat(values(data.targets())).containsExactly(0, 2, 1);
    }

    @Test
    void csv() throws IOException {
        BatchData named = read(write("a.csv", "x,target,y\n1,0,2\n3,1,\"4\"\n"), 1);
        assertThat(input(named)).containsExactly(3, 4);
        assertThat(named.targets()).isInstanceOf(HostTensor.Longs.class);
        BatchData plain = read(write("b.csv", "1,2,0.5\n3,4,-1\n"), 0, 1);
        assertThat(input(plain)).containsExactly(1, 2, 3, 4);
        assertThat(plain.targets().shape()).isEqualTo(Shape.of(2, 1));
        String bad = write("c.csv", "x,y\n1,2\n\n3,four\n");
        assertThatThrownBy(() -> read(bad, 0))
                .hasMessageStartingWith("[BadSample] Line 4 of '" + bad + "' cannot be used: 'four' in column 2");
        String short_ = write("d.csv", "x,y,z\n1,2,3\n1,2\n");
        assertThatThrownBy(() -> read(short_, 0)).hasMessageContaining("Line 3").hasMessageContaining("2 fields");
        String empty = write("e.csv", "x,y\n");
        assertThatThrownBy(() -> read(empty, 0)).hasMessageStartingWith("[BadData]");
    }

    @Test
    void cifar() throws IOException {
        byte[] record = new byte[3073];
        record[0] = 6;
        record[1] = (byte) 255;
        record[3072] = 17;
        byte[] second = record.clone();
        second[0] = 2;
        Path one = Files.write(folder.resolve("data_batch_1.bin"), record);
        Path two = Files.write(folder.resolve("data_batch_2.bin"), second);
        BatchData data = read(one + "," + two, 1, 0);
        assertThat(values(data.targets())).containsExactly(2, 6);
        assertThat(input(data)[0]).isEqualTo(255);
        assertThat(input(data)[3071]).isEqualTo(17);
        Path cut = Files.write(folder.resolve("cut.bin"), new byte[3000]);
        assertThatThrownBy(() -> read(cut.toString(), 0))
                .hasMessageContaining("cut.bin")
                .hasMessageContaining("3000");
    }

    @Test
    void pictures() throws IOException {
        for (String name : new String[] {"cat/1.png", "cat/2.png", "dog/0.png"}) {
            BufferedImage image = new BufferedImage(2, 3, BufferedImage.TYPE_INT_RGB);
            image.setRGB(1, 0, name.startsWith("dog") ? 0x102030 : 0xff8001);
            Files.createDirectories(folder.resolve("set").resolve(name).getParent());
            ImageIO.write(image, "png", folder.resolve("set").resolve(name).toFile());
        }
        BatchData data = read(folder.resolve("set").toString(), 2, 0);
        assertThat(data.inputs().get("input").shape()).isEqualTo(Shape.of(2, 3, 3, 2));
        assertThat(values(data.targets())).containsExactly(1, 0);
        assertThat(input(data)[1]).isEqualTo(0x10);
        assertThat(input(data)[18 + 7]).isEqualTo(0x80);
        Path broken = Files.writeString(folder.resolve("set/dog/9.jpg"), "no picture");
        assertThatThrownBy(() -> read(folder.resolve("set").toString(), 3))
                .hasMessageStartingWith("[BadSample] Picture '" + broken);
    }

    @Test
    void numpy() throws IOException {
        byte[] pixels = npy("|u1", "2, 2", new byte[] {1, (byte) 255, 3, 4});
        ByteBuffer indices = ByteBuffer.allocate(16)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(5)
                .putLong(8);
        byte[] classes = npy("<i8", "2,", indices.array());
        Path npz = folder.resolve("d.npz");
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(npz))) {
            zip.putNextEntry(new ZipEntry("input.npy"));
            zip.write(pixels);
            zip.putNextEntry(new ZipEntry("target.npy"));
            zip.write(classes);
        }
        BatchData packed = read(npz.toString(), 1, 0);
        assertThat(input(packed)).containsExactly(3, 4, 1, 255);
        assertThat(values(packed.targets())).containsExactly(8, 5);
        Path x = Files.write(folder.resolve("x.npy"), pixels);
        Path y = Files.write(folder.resolve("y.npy"), classes);
        assertThat(input(read(x + "," + y, 0))).containsExactly(1, 255);
        Path cut = Files.write(folder.resolve("cut.npy"), Arrays.copyOf(pixels, pixels.length - 1));
        assertThatThrownBy(() -> read(cut + "," + y, 0))
                .hasMessageContaining("cut.npy")
                .hasMessageContaining("cut short");
    }

    private static byte[] npy(String type, String shape, byte[] data) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        String header = "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }\n".formatted(type, shape);
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.write(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0});
            out.writeShort(Short.reverseBytes((short) header.length()));
            out.write(header.getBytes(StandardCharsets.ISO_8859_1));
            out.write(data);
        }
        return bytes.toByteArray();
    }

    @Test
    void unknownDataIsNamed() {
        assertThatThrownBy(() -> DataSets.open("d.xyz", List.of("input")))
                .hasMessageStartingWith("[InvalidOption] 'd.xyz' is no data");
    }

    private static ArraySource images(int count) {
        float[] pixels = new float[count * 3 * 4];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = 1 + i;
        }
        return ArraySource.of(Shape.of(3, 4), pixels, new long[count]);
    }

    @Test
    void normalisationIsThatOfTheFormula() {
        var source = new NormalizedSource(images(1), Normalization.of(0.5, 2, 4));
        assertThat(input(source.read(new long[] {0}, 1))[5]).isEqualTo((6 * 0.5 - 2) / 4);
        float[] pixels = {1, 2, 3, 4};
        var channels = new NormalizedSource(
                ArraySource.of(Shape.of(2, 2), pixels, 0), new Normalization(1, List.of(1.0, 2.0), List.of(1.0, 0.5)));
        assertThat(input(channels.read(new long[] {0}, 1))).containsExactly(0, 1, 2, 4);
    }

    /** Each image is one of the shifted and flipped ones, whatever batch it is in. */
    @Test
    void augmentationDependsOnSeedEpochAndSample() {
        var source = new AugmentedSource(images(20), 1, true, 3);
        List<Boolean> mirrored = new ArrayList<>();
        boolean changesByEpoch = false;
        for (int n = 0; n < 20; n++) {
            double[] alone = input(source.read(new long[] {n}, 1));
            double[] inBatch = input(source.read(new long[] {(n + 1) % 20, n}, 1));
            for (int i = 0; i < 12; i++) {
                assertThat(inBatch[12 + i]).isEqualTo(alone[i]);
            }
            changesByEpoch |= !Arrays.equals(alone, input(source.read(new long[] {n}, 2)));
            int found = 0;
            double first = 1 + 12 * n;
            for (int down = -1; down <= 1; down++) {
                for (int right = -1; right <= 1; right++) {
                    for (boolean flip : new boolean[] {false, true}) {
                        double[] expected = new double[12];
                        for (int y = 0; y < 3; y++) {
                            for (int x = 0; x < 4; x++) {
                                int fromX = (flip ? 3 - x : x) - right;
                                int fromY = y - down;
                                boolean inside = fromX >= 0 && fromX < 4 && fromY >= 0 && fromY < 3;
                                expected[y * 4 + x] = inside ? first + fromY * 4 + fromX : 0;
                            }
                        }
                        if (Arrays.equals(expected, alone)) {
                            found++;
                            mirrored.add(flip);
                        }
                    }
                }
            }
            assertThat(found).isEqualTo(1);
        }
        assertThat(changesByEpoch).isTrue();
        assertThat(mirrored).contains(true, false);
    }

    @Test
    void anyIterableWillDo() {
        List<BatchData> all = List.of(
                images(4).read(new long[] {0}, 1),
                images(4).read(new long[] {1}, 1),
                images(4).read(new long[] {2}, 1));
        var batches = new IterableBatches(all, 3, 3);
        assertThat(batches.read(1, 0)).isSameAs(all.get(0));
        assertThat(batches.read(1, 1)).isSameAs(all.get(1));
        assertThat(batches.read(2, 2)).isSameAs(all.get(2));
        assertThat(batches.read(3, 0)).isSameAs(all.get(0));
        assertThatThrownBy(() -> new IterableBatches(all, 4, 4).read(1, 3)).hasMessageStartingWith("[BadData]");
    }
}
