// SPDX-License-Identifier: Apache-2.0
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
import jcuda.jcublas.cublasHandle;

/**
 * CUDA through JCuda: the driver's interface on a device's primary context, cuBLAS and NVRTC. JCuda's exceptions stay
 * off, for their switch is the whole process's; every code is looked at here.
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
                    CudaProblems.INVALID_PROPERTY,
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
        return new JBlas(JCudaBlas.create(stream(stream), tensorFloat32));
    }

    @Override
    public void destroy(Blas blas) {
        bind();
        JCudaBlas.destroy(((JBlas) blas).handle());
    }

    @Override
    public void multiply(Blas blas, DType dtype, MatrixProduct product) {
        bind();
        JCudaBlas.multiply(((JBlas) blas).handle(), dtype, product);
    }

    @Override
    public void solve(Blas blas, DType dtype, TriangularSystem system) {
        bind();
        JCudaBlas.solve(((JBlas) blas).handle(), dtype, system);
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
