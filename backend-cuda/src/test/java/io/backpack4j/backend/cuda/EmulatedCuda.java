package io.backpack4j.backend.cuda;

import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.SpiVersion;
import io.backpack4j.spi.backend.Availability;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BackendConfiguration;
import io.backpack4j.spi.backend.BackendProvider;
import java.util.List;
import java.util.Optional;

/** The CUDA backend on an emulated device: for tests that have no other. */
public final class EmulatedCuda implements Plugin, BackendProvider {

    private final boolean alwaysWide;

    /** A device whose kernels count as they would on a real one. */
    public EmulatedCuda() {
        this(false);
    }

    /** {@code alwaysWide}: kernels count in 64 bits, and threads run from the last to the first. */
    EmulatedCuda(boolean alwaysWide) {
        this.alwaysWide = alwaysWide;
    }

    /** Why there is none here, if there is none. */
    public static Optional<String> missing() {
        return HostCompiler.missing();
    }

    static CudaOptions options(boolean alwaysWide) {
        // Blocks as large as asked for: guards lie right beside tensors.
        return new CudaOptions(0, false, Optional.of(HostCompiler.DIRECTORY), bytes -> Math.max(1, bytes), alwaysWide);
    }

    static CudaBackend open(EmulatedCudaApi api) {
        return new CudaBackend(api, options(false));
    }

    @Override
    public PluginDescriptor descriptor() {
        return new PluginDescriptor("backend-cuda-emulated", "test", SpiVersion.MAJOR);
    }

    @Override
    public List<BackendProvider> backends() {
        return List.of(this);
    }

    @Override
    public String id() {
        return CudaBackend.ID;
    }

    @Override
    public int priority() {
        return 0;
    }

    @Override
    public Availability probe() {
        return new Availability.Available("kernels compiled for the host");
    }

    @Override
    public Backend open(BackendConfiguration configuration) {
        return new CudaBackend(new EmulatedCudaApi(alwaysWide), options(alwaysWide));
    }
}
