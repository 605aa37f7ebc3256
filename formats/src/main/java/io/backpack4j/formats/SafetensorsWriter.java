// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.spi.tensor.DType;
import java.nio.file.Path;
import java.util.Map;

/**
 * Writes a safetensors file: all tensors are declared first, then their elements are written in any order and by
 * ranges. The file appears under its name on {@link #commit()}, complete; closed without it, nothing changes. Belongs
 * to one thread.
 *
 * <pre>{@code
 * try (SafetensorsWriter writer = SafetensorsWriter.to(path).tensor("loss", DType.FLOAT64, Shape.of()).open()) {
 *     writer.write("loss", 0, new double[] {0.5}, 0, 1);
 *     writer.commit();
 * }
 * }</pre>
 */
public final class SafetensorsWriter implements TensorWriter {

    private final ReplacementFile file;
    private final TensorRegions regions;

    SafetensorsWriter(ReplacementFile file, long dataStart, Map<String, TensorInfo> tensors) {
        this.file = file;
        this.regions = new TensorRegions(file, (name, at, bytes) -> {});
        tensors.forEach((name, tensor) -> regions.add(name, tensor.type(), tensor.shape(), dataStart + tensor.begin()));
    }

    /** Starts the declaration of a file. Nothing is written before {@link SafetensorsWriterBuilder#open()}. */
    public static SafetensorsWriterBuilder to(Path target) {
        return new SafetensorsWriterBuilder(target);
    }

    /**
     * Writes {@code count} elements of a floating tensor, from position {@code from} of the row-major order on, rounded
     * to its type.
     *
     * @throws io.backpack4j.spi.BackpackException if the file cannot be written
     */
    @Override
    public void write(String name, long from, double[] source, int offset, int count) {
        regions.write(name, from, source, offset, count);
    }

    /** Writes {@code float} elements of a floating tensor; see {@link #write(String, long, double[], int, int)}. */
    public void write(String name, long from, float[] source, int offset, int count) {
        regions.write(name, from, source, offset, count);
    }

    /** Writes elements of a {@link DType#INT64} tensor; see {@link #write(String, long, double[], int, int)}. */
    @Override
    public void write(String name, long from, long[] source, int offset, int count) {
        regions.write(name, from, source, offset, count);
    }

    /**
     * Puts the file in its place, as one step, after everything was written to the device.
     *
     * @throws IllegalStateException if elements are missing
     * @throws io.backpack4j.spi.BackpackException if the file cannot be written
     */
    @Override
    public void commit() {
        regions.requireComplete();
        file.commit();
    }

    /** Removes what was written, unless it was committed. */
    @Override
    public void close() {
        file.close();
    }
}
