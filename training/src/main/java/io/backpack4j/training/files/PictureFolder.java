// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.files;

import io.backpack4j.formats.FormatProblems;
import io.backpack4j.kernel.Graph;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.BatchData;
import io.backpack4j.training.data.DataProblems;
import io.backpack4j.training.data.DataSource;
import io.backpack4j.training.data.HostTensor;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;

/**
 * PNG and JPEG pictures, {@code [1, H, W]} grey or {@code [3, H, W]} as the first one is, in a folder per class:
 * classes and pictures count in the order of their names. Pictures are decoded when they are read. All have one size.
 */
final class PictureFolder implements DataSource {

    private final List<Path> pictures = new ArrayList<>();
    private final List<Integer> classes = new ArrayList<>();
    private final Shape sample;

    /**
     * Lists pictures.
     *
     * @throws BackpackException if there are none, or the first cannot be read
     */
    PictureFolder(Path folder) {
        List<Path> folders = list(folder).stream().filter(Files::isDirectory).toList();
        for (int c = 0; c < folders.size(); c++) {
            for (Path file : list(folders.get(c))) {
                if (file.getFileName().toString().toLowerCase(Locale.ROOT).matches(".*\\.(png|jpe?g)")) {
                    pictures.add(file);
                    classes.add(c);
                }
            }
        }
        if (pictures.isEmpty()) {
            throw new BackpackException(
                    DataProblems.BAD_DATA,
                    "Folder '%s' has no pictures: it needs a folder for each class, with .png or .jpg files in it."
                            .formatted(folder));
        }
        BufferedImage first = decode(pictures.get(0));
        boolean grey = first.getColorModel().getNumColorComponents() == 1;
        sample = Shape.of(grey ? 1 : 3, first.getHeight(), first.getWidth());
    }

    private static List<Path> list(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        } catch (IOException e) {
            throw new BackpackException(
                    FormatProblems.INVALID_FILE, "Folder '%s' cannot be read: %s.".formatted(folder, e), e);
        }
    }

    /** The shape of one picture. */
    Shape sample() {
        return sample;
    }

    @Override
    public long samples() {
        return pictures.size();
    }

    @Override
    public BatchData read(long[] numbers, long epoch) {
        int size = (int) sample.elements();
        float[] pixels = new float[size * numbers.length];
        long[] targets = new long[numbers.length];
        for (int n = 0; n < numbers.length; n++) {
            decode(pictures.get((int) numbers[n]), pixels, n * size);
            targets[n] = classes.get((int) numbers[n]);
        }
        return new BatchData(
                Map.of(Graph.INPUT, new HostTensor.Floats(sample.prepend(numbers.length), pixels)),
                new HostTensor.Longs(Shape.of(numbers.length), targets),
                numbers.clone());
    }

    private void decode(Path file, float[] pixels, int offset) {
        BufferedImage image = decode(file);
        int channels = (int) sample.size(0);
        int height = (int) sample.size(1);
        int width = (int) sample.size(2);
        boolean grey = image.getColorModel().getNumColorComponents() == 1;
        if (image.getHeight() != height || image.getWidth() != width || grey != (channels == 1)) {
            throw bad(
                    file,
                    "it is %s, %d x %d, but the first picture is %s, %d x %d"
                            .formatted(
                                    grey ? "grey" : "coloured",
                                    image.getWidth(),
                                    image.getHeight(),
                                    channels == 1 ? "grey" : "coloured",
                                    width,
                                    height),
                    null);
        }
        int plane = height * width;
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                int at = offset + y * width + x;
                if (grey) {
                    // Samples as they are in the file: getRGB would bend grey by a colour space.
                    int bits = image.getColorModel().getComponentSize(0);
                    pixels[at] = image.getRaster().getSample(x, y, 0) * 255f / ((1 << bits) - 1);
                } else {
                    int rgb = image.getRGB(x, y);
                    pixels[at] = rgb >> 16 & 0xff;
                    pixels[at + plane] = rgb >> 8 & 0xff;
                    pixels[at + 2 * plane] = rgb & 0xff;
                }
            }
        }
    }

    private static BufferedImage decode(Path file) {
        try {
            BufferedImage image = ImageIO.read(file.toFile());
            if (image == null) {
                throw bad(file, "it is no picture", null);
            }
            return image;
        } catch (IOException | IllegalArgumentException | IndexOutOfBoundsException | NegativeArraySizeException e) {
            throw bad(file, String.valueOf(e.getMessage()), e);
        }
    }

    private static BackpackException bad(Path file, String what, @Nullable Exception cause) {
        return new BackpackException(
                DataProblems.BAD_SAMPLE,
                "Picture '%s' cannot be used: %s. Replace or remove it.".formatted(file, what),
                cause);
    }
}
