// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** Moves elements between arrays and the device, through a buffer per thread. */
final class HostTransfer {

    private static final int BUFFER_BYTES = 1 << 20;

    private static final ThreadLocal<ByteBuffer> BUFFER = ThreadLocal.withInitial(
            () -> ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.nativeOrder()));

    private HostTransfer() {}

    /** Converts between an array and a buffer that begins with element {@code done} of a transfer. */
    interface Part {

        void convert(ByteBuffer bytes, int done, int length);
    }

    /** Copies elements to the host. Waits for the work that makes them. */
    static void read(Device device, CudaTensor tensor, long from, int count, Part part) {
        int width = tensor.dtype().bytes();
        ByteBuffer buffer = BUFFER.get();
        for (int done = 0; done < count; done += BUFFER_BYTES / width) {
            int length = Math.min(BUFFER_BYTES / width, count - done);
            byte[] written = tensor.block.written;
            long offset = tensor.offset(from + done);
            int bytes = length * width;
            buffer.clear();
            if (written != null && offset + bytes <= written.length) {
                buffer.put(written, (int) offset, bytes).flip();
            } else {
                download(device, tensor, from + done, length, buffer);
            }
            part.convert(buffer, done, length);
        }
    }

    private static void download(Device device, CudaTensor tensor, long from, int length, ByteBuffer buffer) {
        long bytes = (long) length * tensor.dtype().bytes();
        CudaStream stream = device.enqueue(
                "download",
                List.of(tensor),
                List.of(),
                user -> device.api().download(buffer, tensor.address(from), bytes, user.handle));
        device.finish("download", tensor, stream);
    }

    /** Copies elements to the device. */
    static void write(Device device, CudaTensor tensor, long from, int count, Part part) {
        int width = tensor.dtype().bytes();
        ByteBuffer buffer = BUFFER.get();
        for (int done = 0; done < count; done += BUFFER_BYTES / width) {
            int length = Math.min(BUFFER_BYTES / width, count - done);
            int bytes = length * width;
            long element = from + done;
            buffer.clear();
            part.convert(buffer, done, length);
            device.enqueue(
                    "upload",
                    List.of(),
                    List.of(tensor),
                    stream -> device.api().upload(tensor.address(element), buffer, bytes, stream.handle));
            if (length == count && tensor.offset(element) == 0) {
                byte[] written = new byte[bytes];
                buffer.get(0, written);
                tensor.block.written = written;
            }
        }
    }
}
