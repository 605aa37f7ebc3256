// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.backend.Availability;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Supplier;

/**
 * Finds out whether CUDA can be used: first by looking for files, which takes no time on machines without it; then by
 * loading the libraries and asking the driver for its devices. Takes no device and no memory of one. Never throws.
 *
 * @param platform the operating system and processor, if JCuda has no natives for them
 * @param libraries where CUDA's libraries are
 * @param devices loads the libraries and describes the devices; called when all files are there
 */
record CudaProbe(Optional<String> platform, Supplier<CudaLibraries> libraries, Callable<String> devices) {

    private static final String OTHERWISE = "or use --backend cpu.";

    /** The probe of this machine. */
    static CudaProbe ofThisMachine() {
        String system = System.getProperty("os.name", "");
        String processor = System.getProperty("os.arch", "");
        Optional<String> platform = CudaLibraries.isSupportedPlatform(system, processor)
                ? Optional.empty()
                : Optional.of(system + " on " + processor);
        return new CudaProbe(platform, CudaLibraries::ofThisMachine, CudaProbe::describeDevices);
    }

    Availability run() {
        try {
            return look();
        } catch (Exception | LinkageError e) {
            String message = e.getMessage() == null ? e.toString() : e.getMessage();
            return new Availability.Unavailable(
                    "CUDA's libraries are there, but do not work: "
                            + message.lines().findFirst().orElse(e.toString()) + ".",
                    "Check with nvidia-smi that the driver runs and supports CUDA 12, " + OTHERWISE);
        }
    }

    private Availability look() throws Exception {
        if (platform.isPresent()) {
            return new Availability.Unavailable(
                    "JCuda runs on Linux on x86-64, and this is " + platform.get() + ".", "Run it there, " + OTHERWISE);
        }
        CudaLibraries found = libraries.get();
        if (found.find(CudaLibraries.DRIVER).isEmpty()) {
            return new Availability.Unavailable(
                    "There is no NVIDIA driver: %s was not found.".formatted(CudaLibraries.DRIVER),
                    "Install the driver (525 or newer), start the container with --gpus all, " + OTHERWISE);
        }
        List<String> missing = found.missing();
        if (!missing.isEmpty()) {
            List<String> others = found.others();
            String instead = others.isEmpty() ? "" : " (%s is of another version)".formatted(String.join(", ", others));
            return new Availability.Unavailable(
                    "NVIDIA's driver is there, but of CUDA 12 %s %s missing%s."
                            .formatted(String.join(", ", missing), missing.size() == 1 ? "is" : "are", instead),
                    "Install CUDA 12's beside it, for instance with apt (libcublas-12-6, cuda-nvrtc-12-6) or pip"
                            + " (nvidia-cublas-cu12, nvidia-cuda-nvrtc-cu12), and name their directories in"
                            + " LD_LIBRARY_PATH; " + OTHERWISE);
        }
        return new Availability.Available(devices.call());
    }

    private static String describeDevices() {
        load(CudaLibraries.ofThisMachine());
        int count = JCudaDevices.count();
        if (count == 0) {
            throw new IllegalStateException("the driver knows no device");
        }
        StringBuilder text = new StringBuilder(JCudaDevices.description(0));
        if (count > 1) {
            text.append(" (device 0 of ").append(count).append(')');
        }
        return text.append("; driver for CUDA ")
                .append(JCudaDevices.driver())
                .append(", ")
                .append(JCudaCompiler.version())
                .append(", JCuda 12.6.0")
                .toString();
    }

    /** Loads libraries by their places, so that JCuda's, which know their names alone, find them loaded. */
    private static void load(CudaLibraries libraries) {
        for (String name : CudaLibraries.TOOLKIT) {
            libraries.find(name).map(Path::toString).ifPresent(System::load);
        }
        libraries.find(CudaLibraries.DRIVER).map(Path::toString).ifPresent(System::load);
    }
}
