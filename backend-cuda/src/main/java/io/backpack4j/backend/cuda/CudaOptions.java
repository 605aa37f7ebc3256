// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.BackendConfiguration;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Options that users set by properties {@code backpack.cuda.*}, and what tests set.
 *
 * @param device which device, as CUDA counts them
 * @param tensorFloat32 whether matrix products of single precision may round factors to TF32
 * @param cache where compiled kernels are kept, or nothing to keep none
 * @param blockSizes how memory is cut
 * @param alwaysWide whether kernels count in 64 bits also where 32 would do
 */
record CudaOptions(int device, boolean tensorFloat32, Optional<Path> cache, BlockSizes blockSizes, boolean alwaysWide) {

    private static final Set<String> KNOWN = new TreeSet<>(Set.of("device", "tf32", "cache"));

    /** Reads the properties. */
    static CudaOptions of(BackendConfiguration configuration) {
        for (String name : configuration.properties().keySet()) {
            if (!KNOWN.contains(name)) {
                throw new BackpackException(
                        CudaProblems.UNKNOWN_PROPERTY,
                        "Property backpack.cuda.%s is not known. Known are %s, each after backpack.cuda."
                                .formatted(name, KNOWN));
            }
        }
        return new CudaOptions(
                number(configuration),
                flag(configuration),
                cache(configuration.property("cache")),
                BlockSizes::eighths,
                false);
    }

    private static int number(BackendConfiguration configuration) {
        String text = configuration.property("device").orElse("0");
        try {
            int device = Integer.parseInt(text);
            if (device >= 0) {
                return device;
            }
        } catch (NumberFormatException e) {
            // Reported below, as negative numbers are.
        }
        throw new BackpackException(
                CudaProblems.INVALID_PROPERTY,
                "backpack.cuda.device is '%s', but must be the number of a device, from 0 on.".formatted(text));
    }

    private static boolean flag(BackendConfiguration configuration) {
        String text = configuration.property("tf32").orElse("false");
        if (!text.equals("true") && !text.equals("false")) {
            throw new BackpackException(
                    CudaProblems.INVALID_PROPERTY,
                    "backpack.cuda.tf32 is '%s', but must be true or false.".formatted(text));
        }
        return text.equals("true");
    }

    private static Optional<Path> cache(Optional<String> text) {
        if (text.isEmpty()) {
            return Optional.of(Path.of(System.getProperty("user.home"), ".cache", "backpack4j", "cuda"));
        }
        return text.get().equals("none") ? Optional.empty() : Optional.of(Path.of(text.get()));
    }
}
