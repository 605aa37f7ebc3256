// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

/** A call of CUDA that failed. {@link Device} adds what it was made for. */
final class CudaFailure extends RuntimeException {

    private static final long serialVersionUID = 1;

    private final String code;

    /**
     * Creates the exception.
     *
     * @param call the function, such as {@code cuLaunchKernel}
     * @param code CUDA's name and number, such as {@code CUDA_ERROR_INVALID_VALUE (1)}
     */
    CudaFailure(String call, String code) {
        super(call + ": " + code);
        this.code = code;
    }

    /** Whether the device has no memory left. */
    boolean isOutOfMemory() {
        return code.startsWith("CUDA_ERROR_OUT_OF_MEMORY");
    }
}
