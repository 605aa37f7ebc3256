package io.backpack4j.formats;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * Writes a safetensors file: all tensors are declared first, then their elements are written in any order and by ranges. The file appears
 * under its name on {@link #commit()}, complete; closed without it, nothing changes. Belongs to one thread.
 *
 * <pre>{@code
 * try (SafetensorsWriter writer = SafetensorsWriter.to(path).tensor("loss", DType.FLOAT64, Shape.of()).open()) {
 *     writer.write("loss", 0, new double[] {0.5}, 0, 1);
 *     writer.commit();
 * }
 * }</pre>
 */
public final class SafetensorsWriter implements AutoCloseable {

    private static final int CHUNK_BYTES = 1 << 16;

    private record Slot(TensorInfo tensor, Coverage written) {}

    private final ReplacementFile file;
    private final long dataStart;
    private final Map<String, Slot> slots = new LinkedHashMap<>();
    private final ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES).order(ByteOrder.LITTLE_ENDIAN);

    SafetensorsWriter(ReplacementFile file, long dataStart, Map<String, TensorInfo> tensors) {
        this.file = file;
        this.dataStart = dataStart;
        tensors.forEach((name, tensor) -> slots.put(name, new Slot(tensor, new Coverage())));
    }

    /** Starts the declaration of a file. Nothing is written before {@link SafetensorsWriterBuilder#open()}. */
    public static SafetensorsWriterBuilder to(Path target) {
        return new SafetensorsWriterBuilder(target);
    }

    /**
     * Writes {@code count} elements of a floating tensor, from position {@code from} of the row-major order on, rounded to its type.
     *
     * @throws io.backpack4j.spi.BackpackException if the file cannot be written
     */
    public void write(String name, long from, double[] source, int offset, int count) {
        Slot slot = slot(name, true);
        boolean wide = slot.tensor().type() == SafetensorsType.F64;
        writeChunks(slot, from, source.length, offset, count, i -> {
            if (wide) {
                chunk.putDouble(source[i]);
            } else {
                chunk.putFloat((float) source[i]);
            }
        });
    }

    /** Writes {@code float} elements of a floating tensor; see {@link #write(String, long, double[], int, int)}. */
    public void write(String name, long from, float[] source, int offset, int count) {
        Slot slot = slot(name, true);
        boolean wide = slot.tensor().type() == SafetensorsType.F64;
        writeChunks(slot, from, source.length, offset, count, i -> {
            if (wide) {
                chunk.putDouble(source[i]);
            } else {
                chunk.putFloat(source[i]);
            }
        });
    }

    /** Writes elements of a {@link DType#INT64} tensor; see {@link #write(String, long, double[], int, int)}. */
    public void write(String name, long from, long[] source, int offset, int count) {
        writeChunks(slot(name, false), from, source.length, offset, count, i -> chunk.putLong(source[i]));
    }

    /**
     * Puts the file in its place, as one step, after everything was written to the device.
     *
     * @throws IllegalStateException if elements are missing
     * @throws io.backpack4j.spi.BackpackException if the file cannot be written
     */
    public void commit() {
        slots.forEach((name, slot) -> {
            Shape shape = slot.tensor().shape();
            if (slot.written().elements() != shape.elements()) {
                throw new IllegalStateException("Tensor '%s' of shape %s has only %d elements written"
                        .formatted(name, shape, slot.written().elements()));
            }
        });
        file.commit();
    }

    /** Removes what was written, unless it was committed. */
    @Override
    public void close() {
        file.close();
    }

    private Slot slot(String name, boolean floating) {
        Slot slot = slots.get(name);
        if (slot == null) {
            throw new IllegalArgumentException("Tensor '%s' was not declared".formatted(name));
        }
        if (slot.tensor().type().isFloating() != floating) {
            throw new IllegalArgumentException("Tensor '%s' was declared as %s"
                    .formatted(name, slot.tensor().type()));
        }
        return slot;
    }

    private interface ElementWriter {
        void put(int index);
    }

    private void writeChunks(Slot slot, long from, int length, int offset, int count, ElementWriter writer) {
        TensorInfo tensor = slot.tensor();
        Objects.checkFromIndexSize(offset, count, length);
        Objects.checkFromIndexSize(from, count, tensor.shape().elements());
        int bytes = tensor.type().bytes();
        long position = dataStart + tensor.begin() + from * bytes;
        for (int done = 0; done < count; ) {
            int elements = Math.min(CHUNK_BYTES / bytes, count - done);
            chunk.clear();
            for (int i = 0; i < elements; i++) {
                writer.put(offset + done + i);
            }
            file.write(position + (long) done * bytes, chunk.flip());
            done += elements;
        }
        slot.written().add(from, from + count);
    }
}
