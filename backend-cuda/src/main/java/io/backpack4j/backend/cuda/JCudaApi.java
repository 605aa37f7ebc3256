package io.backpack4j.backend.cuda;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import java.nio.ByteBuffer;
import java.util.List;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasDiagType;
import jcuda.jcublas.cublasFillMode;
import jcuda.jcublas.cublasHandle;
import jcuda.jcublas.cublasMath;
import jcuda.jcublas.cublasOperation;
import jcuda.jcublas.cublasSideMode;
import jcuda.jcublas.cublasStatus;
import jcuda.runtime.cudaStream_t;

/**
 * CUDA through JCuda: the driver's interface on a device's primary context, cuBLAS and NVRTC. JCuda's exceptions stay off, for their switch is the
 * whole process's; every code is looked at here.
 */
final class JCudaApi implements CudaApi {

    /** Whose context is current in a thread. */
    private static final ThreadLocal<JCudaApi> BOUND = new ThreadLocal<>();

    private final CUdevice device = new CUdevice();
    private final CUcontext context = new CUcontext();
    private final String name;
    private final int architecture;

    private record JStream(CUstream stream) implements CudaApi.Stream {}

    private record JEvent(CUevent event) implements CudaApi.Event {}

    private record JModule(CUmodule module) implements CudaApi.Module {}

    private record JFunction(CUfunction function) implements CudaApi.Function {}

    private record JBlas(cublasHandle handle) implements CudaApi.Blas {}

    /** Takes a device. */
    JCudaApi(int ordinal) {
        check("cuInit", JCudaDriver.cuInit(0));
        int[] count = new int[1];
        check("cuDeviceGetCount", JCudaDriver.cuDeviceGetCount(count));
        if (ordinal >= count[0]) {
            throw new BackpackException(
                    "InvalidProperty",
                    "backpack.cuda.device is %d, but this machine has %d device(s), counted from 0."
                            .formatted(ordinal, count[0]));
        }
        check("cuDeviceGet", JCudaDriver.cuDeviceGet(device, ordinal));
        name = "device %d (%s)".formatted(ordinal, JCudaDevices.name(device));
        int major = JCudaDevices.attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
        int minor = JCudaDevices.attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
        architecture = 10 * major + minor;
        check("cuDevicePrimaryCtxRetain", JCudaDriver.cuDevicePrimaryCtxRetain(context, device));
    }

    static void check(String call, int code) {
        if (code != CUresult.CUDA_SUCCESS) {
            throw new CudaFailure(call, "%s (%d)".formatted(CUresult.stringFor(code), code));
        }
    }

    private static void checkBlas(String call, int code) {
        if (code != cublasStatus.CUBLAS_STATUS_SUCCESS) {
            throw new CudaFailure(call, "%s (%d)".formatted(cublasStatus.stringFor(code), code));
        }
    }

    /** Makes this device's context current in the calling thread. */
    private void bind() {
        if (BOUND.get() != this) {
            check("cuCtxSetCurrent", JCudaDriver.cuCtxSetCurrent(context));
            BOUND.set(this);
        }
    }

    @Override
    public String device() {
        return name;
    }

    @Override
    public String architecture() {
        return "sm_" + architecture;
    }

    @Override
    public Stream createStream() {
        bind();
        CUstream stream = new CUstream();
        check("cuStreamCreate", JCudaDriver.cuStreamCreate(stream, CUstream_flags.CU_STREAM_NON_BLOCKING));
        return new JStream(stream);
    }

    @Override
    public void destroy(Stream stream) {
        bind();
        check("cuStreamDestroy", JCudaDriver.cuStreamDestroy(stream(stream)));
    }

    @Override
    public void synchronize(Stream stream) {
        bind();
        check("cuStreamSynchronize", JCudaDriver.cuStreamSynchronize(stream(stream)));
    }

    @Override
    public Event createEvent() {
        bind();
        CUevent event = new CUevent();
        check("cuEventCreate", JCudaDriver.cuEventCreate(event, CUevent_flags.CU_EVENT_DISABLE_TIMING));
        return new JEvent(event);
    }

    @Override
    public void destroy(Event event) {
        bind();
        check("cuEventDestroy", JCudaDriver.cuEventDestroy(((JEvent) event).event()));
    }

    @Override
    public void record(Event event, Stream stream) {
        bind();
        check("cuEventRecord", JCudaDriver.cuEventRecord(((JEvent) event).event(), stream(stream)));
    }

    @Override
    public void await(Stream stream, Event event) {
        bind();
        check("cuStreamWaitEvent", JCudaDriver.cuStreamWaitEvent(stream(stream), ((JEvent) event).event(), 0));
    }

    @Override
    public long allocate(long bytes) {
        bind();
        JCudaAddress address = new JCudaAddress();
        check("cuMemAlloc", JCudaDriver.cuMemAlloc(address, bytes));
        return address.value();
    }

    @Override
    public void free(long address) {
        bind();
        check("cuMemFree", JCudaDriver.cuMemFree(JCudaAddress.of(address)));
    }

    @Override
    public void upload(long target, ByteBuffer source, long bytes, Stream stream) {
        bind();
        check(
                "cuMemcpyHtoDAsync",
                JCudaDriver.cuMemcpyHtoDAsync(JCudaAddress.of(target), Pointer.to(source), bytes, stream(stream)));
    }

    @Override
    public void download(ByteBuffer target, long source, long bytes, Stream stream) {
        bind();
        check(
                "cuMemcpyDtoHAsync",
                JCudaDriver.cuMemcpyDtoHAsync(Pointer.to(target), JCudaAddress.of(source), bytes, stream(stream)));
    }

    @Override
    public void copy(long target, long source, long bytes, Stream stream) {
        bind();
        check(
                "cuMemcpyDtoDAsync",
                JCudaDriver.cuMemcpyDtoDAsync(JCudaAddress.of(target), JCudaAddress.of(source), bytes, stream(stream)));
    }

    @Override
    public void clear(long target, long bytes, Stream stream) {
        bind();
        check("cuMemsetD8Async", JCudaDriver.cuMemsetD8Async(JCudaAddress.of(target), (byte) 0, bytes, stream(stream)));
    }

    @Override
    public String compiler() {
        return JCudaCompiler.version();
    }

    @Override
    public byte[] compile(String file, String source, List<String> definitions) {
        return JCudaCompiler.compile(file, source, definitions, architecture);
    }

    @Override
    public Module load(byte[] image) {
        bind();
        CUmodule module = new CUmodule();
        check("cuModuleLoadData", JCudaDriver.cuModuleLoadData(module, image));
        return new JModule(module);
    }

    @Override
    public void unload(Module module) {
        bind();
        check("cuModuleUnload", JCudaDriver.cuModuleUnload(((JModule) module).module()));
    }

    @Override
    public Function function(Module module, String kernel) {
        bind();
        CUfunction function = new CUfunction();
        check("cuModuleGetFunction", JCudaDriver.cuModuleGetFunction(function, ((JModule) module).module(), kernel));
        return new JFunction(function);
    }

    @Override
    public void launch(Function function, int blocks, int threads, Stream stream, long[] words) {
        bind();
        check(
                "cuLaunchKernel",
                JCudaDriver.cuLaunchKernel(
                        ((JFunction) function).function(),
                        blocks,
                        1,
                        1,
                        threads,
                        1,
                        1,
                        0,
                        stream(stream),
                        Pointer.to(Pointer.to(words)),
                        null));
    }

    @Override
    public Blas createBlas(Stream stream, boolean tensorFloat32) {
        bind();
        cublasHandle handle = new cublasHandle();
        checkBlas("cublasCreate", JCublas2.cublasCreate(handle));
        try {
            checkBlas("cublasSetStream", JCublas2.cublasSetStream(handle, new cudaStream_t(stream(stream))));
            int mode = tensorFloat32 ? cublasMath.CUBLAS_TF32_TENSOR_OP_MATH : cublasMath.CUBLAS_DEFAULT_MATH;
            checkBlas("cublasSetMathMode", JCublas2.cublasSetMathMode(handle, mode));
        } catch (CudaFailure failure) {
            JCublas2.cublasDestroy(handle);
            throw failure;
        }
        return new JBlas(handle);
    }

    @Override
    public void destroy(Blas blas) {
        bind();
        checkBlas("cublasDestroy", JCublas2.cublasDestroy(((JBlas) blas).handle()));
    }

    @Override
    public void multiply(Blas blas, DType dtype, MatrixProduct product) {
        bind();
        cublasHandle handle = ((JBlas) blas).handle();
        int opA = operation(product.a().transposed());
        int opB = operation(product.b().transposed());
        MatrixProduct.Matrices matricesA = product.a().matrices();
        MatrixProduct.Matrices matricesB = product.b().matrices();
        Pointer a = JCudaAddress.of(matricesA.address());
        Pointer b = JCudaAddress.of(matricesB.address());
        Pointer c = JCudaAddress.of(product.c().address());
        int m = size(product.m());
        int n = size(product.n());
        int k = size(product.k());
        int leadingA = size(matricesA.leading());
        int leadingB = size(matricesB.leading());
        int leadingC = size(product.c().leading());
        int batch = size(product.batch());
        long stepA = matricesA.stride();
        long stepB = matricesB.stride();
        long stepC = product.c().stride();
        if (dtype == DType.FLOAT32) {
            Pointer alpha = Pointer.to(new float[] {(float) product.alpha()});
            Pointer beta = Pointer.to(new float[] {(float) product.beta()});
            if (batch == 1) {
                checkBlas(
                        "cublasSgemm",
                        JCublas2.cublasSgemm(
                                handle, opA, opB, m, n, k, alpha, a, leadingA, b, leadingB, beta, c, leadingC));
            } else {
                checkBlas(
                        "cublasSgemmStridedBatched",
                        JCublas2.cublasSgemmStridedBatched(
                                handle, opA, opB, m, n, k, alpha, a, leadingA, stepA, b, leadingB, stepB, beta, c,
                                leadingC, stepC, batch));
            }
        } else {
            Pointer alpha = Pointer.to(new double[] {product.alpha()});
            Pointer beta = Pointer.to(new double[] {product.beta()});
            if (batch == 1) {
                checkBlas(
                        "cublasDgemm",
                        JCublas2.cublasDgemm(
                                handle, opA, opB, m, n, k, alpha, a, leadingA, b, leadingB, beta, c, leadingC));
            } else {
                checkBlas(
                        "cublasDgemmStridedBatched",
                        JCublas2.cublasDgemmStridedBatched(
                                handle, opA, opB, m, n, k, alpha, a, leadingA, stepA, b, leadingB, stepB, beta, c,
                                leadingC, stepC, batch));
            }
        }
    }

    @Override
    public void solve(Blas blas, DType dtype, TriangularSystem system) {
        bind();
        cublasHandle handle = ((JBlas) blas).handle();
        int left = cublasSideMode.CUBLAS_SIDE_LEFT;
        int upper = cublasFillMode.CUBLAS_FILL_MODE_UPPER;
        int diagonal = cublasDiagType.CUBLAS_DIAG_NON_UNIT;
        int op = operation(system.transposed());
        int rows = size(system.rows());
        int columns = size(system.columns());
        Pointer a = JCudaAddress.of(system.a());
        Pointer b = JCudaAddress.of(system.b());
        if (dtype == DType.FLOAT32) {
            Pointer one = Pointer.to(new float[] {1});
            checkBlas(
                    "cublasStrsm",
                    JCublas2.cublasStrsm(handle, left, upper, op, diagonal, rows, columns, one, a, rows, b, rows));
        } else {
            Pointer one = Pointer.to(new double[] {1});
            checkBlas(
                    "cublasDtrsm",
                    JCublas2.cublasDtrsm(handle, left, upper, op, diagonal, rows, columns, one, a, rows, b, rows));
        }
    }

    private static int operation(boolean transposed) {
        return transposed ? cublasOperation.CUBLAS_OP_T : cublasOperation.CUBLAS_OP_N;
    }

    private static int size(long size) {
        if (size > Integer.MAX_VALUE) {
            throw new BackpackException(
                    "TooLarge",
                    "cuBLAS multiplies matrices of up to %d rows and columns, not %d. Use a smaller batch."
                            .formatted(Integer.MAX_VALUE, size));
        }
        return (int) size;
    }

    private static CUstream stream(Stream stream) {
        return ((JStream) stream).stream();
    }

    @Override
    public void close() {
        BOUND.remove();
        check("cuDevicePrimaryCtxRelease", JCudaDriver.cuDevicePrimaryCtxRelease(device));
    }
}
