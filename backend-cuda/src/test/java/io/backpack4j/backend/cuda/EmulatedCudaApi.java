// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.tensor.DType;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * A device that is not there: kernels run on the host, compiled from the same source. Streams are as lazy as they may
 * be: work is done when somebody waits for it, so that an order that was not asked for is not there. Memory has guards
 * around it and is NaN when fresh; guards are looked at after every kernel.
 */
final class EmulatedCudaApi implements CudaApi {

    private final boolean backwards;
    private final NavigableMap<Long, Long> allocations = new TreeMap<>();
    private final List<String> log = new ArrayList<>();
    private long uploads;
    private long downloads;
    private long launches;
    private int open;
    private long limit = Long.MAX_VALUE;

    /** {@code backwards}: threads and blocks run from the last to the first. */
    EmulatedCudaApi(boolean backwards) {
        this.backwards = backwards;
        HostCompiler.missing().ifPresent(reason -> {
            throw new IllegalStateException(reason);
        });
    }

    private static final class LazyStream implements Stream {

        private final ArrayDeque<Runnable> work = new ArrayDeque<>();
        private long given;
        private long done;
        private boolean destroyed;

        void add(Runnable step) {
            if (destroyed) {
                throw new AssertionError("A destroyed stream was given work");
            }
            given++;
            work.add(step);
        }

        void runTo(long end) {
            while (done < end) {
                done++;
                work.remove().run();
            }
        }
    }

    private static final class LazyEvent implements Event {

        private LazyStream stream;
        private long end;
    }

    private record Library(long handle, String file) implements Module {}

    private record Kernel(String name, long entry, long bytes) implements Function {}

    private record Products(LazyStream stream) implements Blas {}

    /** How often the host gave memory to the device. */
    synchronized long uploads() {
        return uploads;
    }

    /** How often the host took memory from the device. */
    synchronized long downloads() {
        return downloads;
    }

    synchronized long launches() {
        return launches;
    }

    /** What is not destroyed, unloaded or freed. */
    synchronized int leftovers() {
        return open + allocations.size();
    }

    /** How much memory the device has. */
    synchronized void limit(long bytes) {
        limit = bytes;
    }

    synchronized List<String> log() {
        return List.copyOf(log);
    }

    @Override
    public String device() {
        return "device 0 (emulated)";
    }

    @Override
    public String architecture() {
        return System.getProperty("os.arch");
    }

    @Override
    public synchronized Stream createStream() {
        open++;
        return new LazyStream();
    }

    @Override
    public synchronized void destroy(Stream stream) {
        LazyStream lazy = (LazyStream) stream;
        if (!lazy.work.isEmpty()) {
            throw new AssertionError("A stream with work was destroyed");
        }
        lazy.destroyed = true;
        open--;
    }

    @Override
    public synchronized void synchronize(Stream stream) {
        LazyStream lazy = (LazyStream) stream;
        lazy.runTo(lazy.given);
    }

    @Override
    public synchronized Event createEvent() {
        open++;
        return new LazyEvent();
    }

    @Override
    public synchronized void destroy(Event event) {
        open--;
    }

    @Override
    public synchronized void record(Event event, Stream stream) {
        LazyEvent lazy = (LazyEvent) event;
        lazy.stream = (LazyStream) stream;
        lazy.end = lazy.stream.given;
    }

    @Override
    public synchronized void await(Stream stream, Event event) {
        LazyEvent lazy = (LazyEvent) event;
        LazyStream other = lazy.stream;
        long end = lazy.end;
        ((LazyStream) stream).add(() -> other.runTo(end));
    }

    @Override
    public synchronized long allocate(long bytes) {
        long used = allocations.values().stream().mapToLong(Long::longValue).sum();
        if (used + bytes > limit) {
            throw new CudaFailure("cuMemAlloc", "CUDA_ERROR_OUT_OF_MEMORY (2)");
        }
        long address = HostBridge.allocate(bytes);
        allocations.put(address, bytes);
        return address;
    }

    @Override
    public synchronized void free(long address) {
        checkGuards("free");
        if (allocations.remove(address) == null) {
            throw new AssertionError("What was freed was not allocated");
        }
        HostBridge.free(address);
    }

    private void checkGuards(String cause) {
        allocations.forEach((address, bytes) -> checkGuard(cause, address, bytes));
    }

    /** Looks beside the allocations that were given: all after every launch would take most of a test's time. */
    private void checkGuards(String cause, long[] words) {
        for (long word : words) {
            Map.Entry<Long, Long> allocation = allocations.floorEntry(word);
            if (allocation != null && word < allocation.getKey() + allocation.getValue()) {
                checkGuard(cause, allocation.getKey(), allocation.getValue());
            }
        }
    }

    private static void checkGuard(String cause, long address, long bytes) {
        if (!HostBridge.intact(address, bytes)) {
            throw new AssertionError(cause + " wrote beside an allocation of " + bytes + " bytes");
        }
    }

    @Override
    public synchronized void upload(long target, ByteBuffer source, long bytes, Stream stream) {
        requireInside(target, bytes);
        uploads++;
        ByteBuffer copy = ByteBuffer.allocateDirect((int) bytes);
        HostBridge.copy(HostBridge.addressOf(copy), HostBridge.addressOf(source), bytes);
        ((LazyStream) stream).add(() -> HostBridge.copy(target, HostBridge.addressOf(copy), bytes));
    }

    @Override
    public synchronized void download(ByteBuffer target, long source, long bytes, Stream stream) {
        requireInside(source, bytes);
        downloads++;
        ((LazyStream) stream).add(() -> HostBridge.copy(HostBridge.addressOf(target), source, bytes));
    }

    @Override
    public synchronized void copy(long target, long source, long bytes, Stream stream) {
        requireInside(source, bytes);
        requireInside(target, bytes);
        ((LazyStream) stream).add(() -> HostBridge.copy(target, source, bytes));
    }

    @Override
    public synchronized void clear(long target, long bytes, Stream stream) {
        requireInside(target, bytes);
        ((LazyStream) stream).add(() -> HostBridge.clear(target, bytes));
    }

    private void requireInside(long address, long bytes) {
        boolean inside = allocations.entrySet().stream()
                .anyMatch(entry -> entry.getKey() <= address && address + bytes <= entry.getKey() + entry.getValue());
        if (!inside) {
            throw new AssertionError("%d bytes are not inside an allocation".formatted(bytes));
        }
    }

    @Override
    public String compiler() {
        return HostCompiler.version() + HostCompiler.resource("emulation.h").hashCode();
    }

    @Override
    public byte[] compile(String name, String source, List<String> definitions) {
        return HostCompiler.kernel(name, source, definitions);
    }

    @Override
    public synchronized Module load(byte[] image) {
        String file = HostCompiler.store(image).toString();
        long handle = HostBridge.open(file);
        if (handle == 0) {
            throw new CudaFailure("cuModuleLoadData", "CUDA_ERROR_INVALID_IMAGE (200)");
        }
        open++;
        return new Library(handle, file);
    }

    @Override
    public synchronized void unload(Module module) {
        open--;
        HostBridge.close(((Library) module).handle());
    }

    @Override
    public synchronized Function function(Module module, String name) {
        long library = ((Library) module).handle();
        long entry = HostBridge.symbol(library, name + "_run");
        if (entry == 0) {
            throw new CudaFailure("cuModuleGetFunction", "CUDA_ERROR_NOT_FOUND (500)");
        }
        return new Kernel(name, entry, HostBridge.call(HostBridge.symbol(library, name + "_bytes")));
    }

    @Override
    public synchronized void launch(Function function, int blocks, int threads, Stream stream, long[] words) {
        Kernel kernel = (Kernel) function;
        if (words.length * 8L != kernel.bytes()) {
            throw new AssertionError("Kernel %s takes %d bytes and was given %d"
                    .formatted(kernel.name(), kernel.bytes(), words.length * 8));
        }
        launches++;
        log.add(kernel.name());
        ((LazyStream) stream).add(() -> {
            HostBridge.run(kernel.entry(), words, blocks, threads, backwards);
            checkGuards("Kernel " + kernel.name(), words);
        });
    }

    @Override
    public synchronized Blas createBlas(Stream stream, boolean tensorFloat32) {
        open++;
        return new Products((LazyStream) stream);
    }

    @Override
    public synchronized void destroy(Blas blas) {
        open--;
    }

    @Override
    public synchronized void multiply(Blas blas, DType dtype, MatrixProduct product) {
        MatrixProduct.Matrices a = product.a().matrices();
        MatrixProduct.Matrices b = product.b().matrices();
        MatrixProduct.Matrices c = product.c();
        boolean transposeA = product.a().transposed();
        boolean transposeB = product.b().transposed();
        requireLeading(a.leading(), transposeA ? product.k() : product.m());
        requireLeading(b.leading(), transposeB ? product.n() : product.k());
        requireLeading(c.leading(), product.m());
        long[] sizes = {
            product.m(),
            product.n(),
            product.k(),
            a.address(),
            a.leading(),
            a.stride(),
            b.address(),
            b.leading(),
            b.stride(),
            c.address(),
            c.leading(),
            c.stride(),
            product.batch(),
            transposeA ? 1 : 0,
            transposeB ? 1 : 0
        };
        ((Products) blas).stream().add(() -> {
            HostBridge.multiply(dtype == DType.FLOAT32, sizes, product.alpha(), product.beta());
            checkGuards("A matrix product", sizes);
        });
    }

    /** What cuBLAS demands. */
    private static void requireLeading(long leading, long rows) {
        if (leading < Math.max(1, rows)) {
            throw new CudaFailure("cublasGemm", "CUBLAS_STATUS_INVALID_VALUE (7)");
        }
    }

    @Override
    public synchronized void solve(Blas blas, DType dtype, TriangularSystem system) {
        ((Products) blas)
                .stream()
                        .add(() -> HostBridge.solve(
                                dtype == DType.FLOAT32,
                                system.rows(),
                                system.columns(),
                                system.transposed(),
                                system.a(),
                                system.b()));
    }

    @Override
    public void close() {
        if (leftovers() > 0) {
            throw new AssertionError(leftovers() + " things of the device were not freed");
        }
    }
}
