// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.SpiVersion;
import io.backpack4j.spi.backend.Availability;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BackendConfiguration;
import io.backpack4j.spi.backend.BackendProvider;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import java.util.Optional;

/** The CUDA backend on an emulated device: for tests that have no other. */
public final class EmulatedCuda implements Plugin, BackendProvider {

    /** The backend's id. */
    public static final String ID = "cuda-emulated";

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

    /** A class loader that knows this plugin too. */
    public static ClassLoader loader() {
        try {
            Path services = Files.createTempDirectory("emulated").resolve("services");
            Files.writeString(services, EmulatedCuda.class.getName());
            URL url = services.toUri().toURL();
            return new ClassLoader(EmulatedCuda.class.getClassLoader()) {
                @Override
                protected Enumeration<URL> findResources(String name) {
                    boolean asked = name.equals("META-INF/services/" + Plugin.class.getName());
                    return Collections.enumeration(asked ? List.of(url) : List.of());
                }
            };
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** How often a backend's device was given memory by the host. */
    public static long uploads(Backend backend) {
        return api(backend).uploads();
    }

    /** How often the host took memory from a backend's device. */
    public static long downloads(Backend backend) {
        return api(backend).downloads();
    }

    private static EmulatedCudaApi api(Backend backend) {
        return (EmulatedCudaApi) ((CudaBackend) backend).device().api();
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
        return ID;
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
