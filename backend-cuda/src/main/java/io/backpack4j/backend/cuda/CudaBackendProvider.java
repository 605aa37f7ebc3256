// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Availability;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BackendConfiguration;
import io.backpack4j.spi.backend.BackendProvider;
import org.jspecify.annotations.Nullable;

/** Opens CUDA backends. Thread-safe. */
final class CudaBackendProvider implements BackendProvider {

    /** A device is taken before the processor, where there is one. */
    private static final int PRIORITY = 100;

    private final CudaProbe probe = CudaProbe.ofThisMachine();
    private @Nullable Availability found;

    @Override
    public String id() {
        return CudaBackend.ID;
    }

    @Override
    public int priority() {
        return PRIORITY;
    }

    @Override
    public synchronized Availability probe() {
        if (found == null) {
            found = probe.run();
        }
        return found;
    }

    @Override
    public Backend open(BackendConfiguration configuration) {
        CudaOptions options = CudaOptions.of(configuration);
        if (probe() instanceof Availability.Unavailable missing) {
            throw new BackpackException(CommonProblems.BACKEND_UNAVAILABLE, missing.reason() + " " + missing.remedy());
        }
        try {
            return new CudaBackend(new JCudaApi(options.device()), options);
        } catch (CudaFailure failure) {
            throw new BackpackException(
                    CudaProblems.CUDA_FAILURE,
                    "Device %d cannot be opened: %s.".formatted(options.device(), failure.getMessage()),
                    failure);
        }
    }
}
