// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.Shape;
import java.util.Arrays;
import java.util.List;

/**
 * Copies between an image {@code [B, C, *in]} and its unfolded form {@code [B, G, S, C/G · K]}, along rows of the last
 * axis. At a row of output positions, every channel has a line per element of the window's other axes: the input row
 * where that element lies, with the padding, so that all windows of the row lie within the lines.
 */
final class Unfolding {

    /** Lines, and runs of unfolded rows, that fit into the second cache together. */
    private static final int CHUNK = 8192;

    private final CpuTensor image;
    private final CpuTensor columns;
    private final long planes;
    private final int channels;
    private final long inputRows;
    private final int width;
    private final int outputWidth;
    private final int kernel;
    private final int stride;
    private final int dilation;
    private final int lead;
    private final int span;
    private final int inside;

    /** Per row of output positions and element of the axes before the last: the row of the input, or −1. */
    private final long[] rows;

    private final int linesPerChannel;
    private final int outputRows;

    Unfolding(Window window, CpuTensor image, List<Long> outputSizes, CpuTensor columns) {
        this.image = image;
        this.columns = columns;
        int last = window.axes() - 1;
        Shape in = window.spatial(image.shape());
        planes = columns.shape().elements(0, 2);
        channels = Math.toIntExact(
                image.shape().size(1) / Math.max(1, columns.shape().size(1)));
        inputRows = in.elements(0, last);
        width = Math.toIntExact(in.size(last));
        outputWidth = Math.toIntExact(outputSizes.get(last));
        kernel = Math.toIntExact(window.kernel().get(last));
        stride = Math.toIntExact(window.stride().get(last));
        dilation = Math.toIntExact(window.dilation().get(last));
        lead = Math.toIntExact(window.padding().get(last));
        span = Math.toIntExact(Math.max(0, outputWidth - 1) * (long) stride + window.reach(last));
        inside = Math.max(0, Math.min(width, span - lead));
        linesPerChannel = Math.toIntExact(window.elements() / kernel);
        long positions = 1;
        for (int axis = 0; axis < last; axis++) {
            positions *= outputSizes.get(axis);
        }
        outputRows = Math.toIntExact(positions);
        rows = inputRows(window, in, outputSizes);
    }

    private long[] inputRows(Window window, Shape in, List<Long> outputSizes) {
        long[] found = new long[Math.multiplyExact(outputRows, linesPerChannel)];
        for (int i = 0; i < found.length; i++) {
            long position = i / linesPerChannel;
            long element = i % linesPerChannel;
            long row = 0;
            long below = 1;
            for (int axis = window.axes() - 2; axis >= 0; axis--) {
                long size = window.kernel().get(axis);
                long at = position % outputSizes.get(axis) * window.stride().get(axis)
                        + element % size * window.dilation().get(axis)
                        - window.padding().get(axis);
                boolean outside = row < 0 || at < 0 || at >= in.size(axis);
                row = outside ? -1 : row + at * below;
                below *= in.size(axis);
                position /= outputSizes.get(axis);
                element /= size;
            }
            found[i] = row;
        }
        return found;
    }

    /** columns = unfolded image. */
    void unfold() {
        run(false);
    }

    /** image += folded columns. */
    void fold() {
        run(true);
    }

    private void run(boolean fold) {
        if (columns.elements == 0) {
            return;
        }
        int most = Math.max(1, Math.min(channels, CHUNK / Math.max(1, linesPerChannel * span)));
        for (long plane = 0; plane < planes; plane++) {
            for (int channel = 0; channel < channels; channel += most) {
                var part = new Part(plane, channel, Math.min(most, channels - channel));
                for (int row = 0; row < outputRows; row++) {
                    if (fold) {
                        part.fold(row);
                    } else {
                        part.unfold(row);
                    }
                }
            }
        }
    }

    /** Some channels of one sample and group. */
    private final class Part {

        private final long plane;
        private final int first;
        private final int lineCount;

        /** Those that inputs reach: all, unless the window keeps to the padding. */
        private final int usedLines;

        private final int columnCount;
        private final int together;
        private final double[] lines;
        private final double[] windows;
        private final double[] row;

        Part(long plane, int first, int count) {
            this.plane = plane;
            this.first = first;
            lineCount = count * linesPerChannel;
            usedLines = inside == 0 ? 0 : lineCount;
            columnCount = lineCount * kernel;
            together = count < channels ? 1 : Math.max(1, Math.min(outputWidth, CHUNK / columnCount));
            PlaneBuffers buffers = PlaneBuffers.get();
            lines = buffers.large(lineCount * span);
            windows = buffers.small(together * columnCount);
            row = buffers.row(inside);
            Arrays.fill(lines, 0, lineCount * span, 0);
        }

        void unfold(int outputRow) {
            for (int line = 0; line < usedLines; line++) {
                long from = inputRow(outputRow, line);
                int to = line * span + lead;
                if (from < 0) {
                    Arrays.fill(lines, to, to + inside, 0);
                } else {
                    image.read(from, lines, to, inside);
                }
            }
            for (int position = 0; position < outputWidth; position += together) {
                int count = Math.min(together, outputWidth - position);
                for (int i = 0; i < count; i++) {
                    gather((position + i) * stride, i * columnCount);
                }
                columns.write(column(outputRow, position), windows, 0, count * columnCount);
            }
        }

        void fold(int outputRow) {
            Arrays.fill(lines, 0, lineCount * span, 0);
            for (int position = 0; position < outputWidth; position += together) {
                int count = Math.min(together, outputWidth - position);
                columns.read(column(outputRow, position), windows, 0, count * columnCount);
                for (int i = 0; i < count; i++) {
                    scatter((position + i) * stride, i * columnCount);
                }
            }
            for (int line = 0; line < usedLines; line++) {
                long to = inputRow(outputRow, line);
                if (to >= 0) {
                    int from = line * span + lead;
                    image.read(to, row, 0, inside);
                    for (int i = 0; i < inside; i++) {
                        row[i] += lines[from + i];
                    }
                    image.write(to, row, 0, inside);
                }
            }
        }

        private void gather(int from, int to) {
            int target = to;
            for (int line = from; line < lineCount * span; line += span) {
                for (int k = 0; k < kernel; k++) {
                    windows[target++] = lines[line + k * dilation];
                }
            }
        }

        private void scatter(int to, int from) {
            int source = from;
            for (int line = to; line < lineCount * span; line += span) {
                for (int k = 0; k < kernel; k++) {
                    lines[line + k * dilation] += windows[source++];
                }
            }
        }

        /** Start of the input row of a line, or −1. */
        private long inputRow(int outputRow, int line) {
            long found = rows[outputRow * linesPerChannel + line % linesPerChannel];
            long channel = plane * channels + first + line / linesPerChannel;
            return found < 0 ? -1 : (channel * inputRows + found) * width;
        }

        /** Start of the columns of an output position. */
        private long column(int outputRow, int position) {
            long at = (plane * outputRows + outputRow) * outputWidth + position;
            return (at * channels + first) * linesPerChannel * kernel;
        }
    }
}
