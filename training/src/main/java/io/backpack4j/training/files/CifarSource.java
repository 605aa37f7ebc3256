// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.files;

import io.backpack4j.formats.FormatProblems;
import io.backpack4j.kernel.Graph;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.BatchData;
import io.backpack4j.training.data.DataSource;
import io.backpack4j.training.data.HostTensor;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Images {@code [3, 32, 32]} of CIFAR's binary files, read where they lie. A record of CIFAR-10 is a label and 3,072
 * bytes; one of CIFAR-100 a coarse and a fine label, of which the fine one is the target, and as many.
 */
final class CifarSource implements DataSource {

    static final Shape SAMPLE = Shape.of(3, 32, 32);

    private static final int PIXELS = 3 * 32 * 32;

    private final List<FileChannel> files = new ArrayList<>();
    private final List<Long> ends = new ArrayList<>();
    private final int labels;

    /**
     * Opens files, whose images are numbered through.
     *
     * @throws BackpackException if one has a size that no file of CIFAR has
     */
    CifarSource(List<Path> paths) {
        try {
            long total = 0;
            int found = 0;
            for (Path path : paths) {
                FileChannel file = FileChannel.open(path, StandardOpenOption.READ);
                files.add(file);
                int own = file.size() == 0
                        ? 0
                        : file.size() % (PIXELS + 1) == 0 ? 1 : file.size() % (PIXELS + 2) == 0 ? 2 : 0;
                if (own == 0 || (found != 0 && own != found)) {
                    throw new BackpackException(
                            FormatProblems.INVALID_FILE,
                            "File '%s' has %d bytes, which is no whole number of records of CIFAR-10 (%d bytes) or CIFAR-100 (%d)."
                                    .formatted(path, file.size(), PIXELS + 1, PIXELS + 2));
                }
                found = own;
                total += file.size() / (PIXELS + own);
                ends.add(total);
            }
            labels = found;
        } catch (IOException e) {
            close();
            throw unreadable(e);
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    @Override
    public long samples() {
        return ends.get(ends.size() - 1);
    }

    @Override
    public BatchData read(long[] numbers, long epoch) {
        float[] pixels = new float[PIXELS * numbers.length];
        long[] classes = new long[numbers.length];
        ByteBuffer bytes = ByteBuffer.allocate(PIXELS + labels);
        for (int n = 0; n < numbers.length; n++) {
            int file = 0;
            while (ends.get(file) <= numbers[n]) {
                file++;
            }
            long number = numbers[n] - (file == 0 ? 0 : ends.get(file - 1));
            read(files.get(file), number * (PIXELS + labels), bytes);
            classes[n] = Byte.toUnsignedInt(bytes.get(labels - 1));
            for (int i = 0; i < PIXELS; i++) {
                pixels[n * PIXELS + i] = Byte.toUnsignedInt(bytes.get(labels + i));
            }
        }
        return new BatchData(
                Map.of(Graph.INPUT, new HostTensor.Floats(SAMPLE.prepend(numbers.length), pixels)),
                new HostTensor.Longs(Shape.of(numbers.length), classes),
                numbers.clone());
    }

    private static void read(FileChannel file, long position, ByteBuffer bytes) {
        bytes.clear();
        try {
            while (bytes.hasRemaining()) {
                if (file.read(bytes, position + bytes.position()) < 0) {
                    throw new EOFException("it became shorter");
                }
            }
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    private static BackpackException unreadable(IOException cause) {
        return new BackpackException(
                FormatProblems.INVALID_FILE, "Files of CIFAR cannot be read: %s.".formatted(cause), cause);
    }

    @Override
    public void close() {
        for (FileChannel file : files) {
            try {
                file.close();
            } catch (IOException e) {
                throw unreadable(e);
            }
        }
    }
}
