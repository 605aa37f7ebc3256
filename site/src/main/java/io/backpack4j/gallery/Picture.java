// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Small pictures, as SVG. */
final class Picture {

    private static final int CELL = 4;
    private static final int GAP = 12;
    private static final List<String> COLOURS = List.of("#3366cc", "#cc6633", "#339966");

    private Picture() {}

    /** Draws images of 28 × 28 numbers side by side, from white (its least) to dark (its largest), with captions. */
    static void images(Path file, List<double[]> images, List<String> captions) throws IOException {
        int side = 28 * CELL;
        StringBuilder svg = new StringBuilder();
        for (int k = 0; k < images.size(); k++) {
            double[] image = images.get(k);
            double least = Arrays.stream(image).min().orElse(0);
            double range = Math.max(Arrays.stream(image).max().orElse(1) - least, 1e-30);
            int left = k * (side + GAP);
            for (int i = 0; i < image.length; i++) {
                long shade = Math.round(255 - 215 * (image[i] - least) / range);
                if (shade < 253) {
                    svg.append("<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"rgb(%d,%d,%d)\"/>\n"
                            .formatted(left + i % 28 * CELL, i / 28 * CELL, CELL, CELL, shade, shade, 255));
                }
            }
            svg.append("<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n"
                    .formatted(left + side / 2, side + 18, captions.get(k)));
        }
        write(file, images.size() * (side + GAP), side + 26, svg);
    }

    /** Draws lines over 0, 1, 2, …, all in one frame. */
    static void lines(Path file, String below, List<String> names, List<double[]> lines) throws IOException {
        int width = 560;
        int height = 240;
        double least = lines.stream().flatMapToDouble(Arrays::stream).min().orElse(0);
        double most = lines.stream().flatMapToDouble(Arrays::stream).max().orElse(1);
        double range = Math.max(most - least, 1e-30);
        StringBuilder svg =
                new StringBuilder("<rect x=\"50\" y=\"10\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"#999\"/>\n"
                        .formatted(width, height));
        for (int k = 0; k < lines.size(); k++) {
            double[] line = lines.get(k);
            StringBuilder points = new StringBuilder();
            for (int i = 0; i < line.length; i++) {
                points.append(String.format(
                        Locale.ROOT,
                        "%.1f,%.1f ",
                        50 + (double) width * i / Math.max(1, line.length - 1),
                        10 + height * (most - line[i]) / range));
            }
            svg.append("<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"/>\n"
                    .formatted(points.toString().strip(), COLOURS.get(k % COLOURS.size())));
            svg.append("<text x=\"%d\" y=\"%d\" fill=\"%s\">%s</text>\n"
                    .formatted(420, 30 + 18 * k, COLOURS.get(k % COLOURS.size()), names.get(k)));
        }
        svg.append("<text x=\"46\" y=\"20\" text-anchor=\"end\">%.3g</text>\n".formatted(most));
        svg.append("<text x=\"46\" y=\"250\" text-anchor=\"end\">%.3g</text>\n".formatted(least));
        svg.append("<text x=\"330\" y=\"270\" text-anchor=\"middle\">%s</text>\n".formatted(below));
        write(file, width + 70, height + 42, svg);
    }

    private static void write(Path file, int width, int height, CharSequence content) throws IOException {
        Files.writeString(file, """
                <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" \
                font-family="sans-serif" font-size="13">
                <rect width="100%%" height="100%%" fill="white"/>
                %s</svg>
                """.formatted(width, height, width, height, content));
    }
}
