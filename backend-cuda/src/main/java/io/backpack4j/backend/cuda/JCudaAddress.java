// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import jcuda.driver.CUdeviceptr;

/** An address of the device as the driver's interface takes it, and back. */
final class JCudaAddress extends CUdeviceptr {

    private JCudaAddress(long address) {
        super(new CUdeviceptr(), address);
    }

    /** A place that CUDA writes an address into. */
    JCudaAddress() {}

    static JCudaAddress of(long address) {
        return new JCudaAddress(address);
    }

    long value() {
        return getNativePointer() + getByteOffset();
    }
}
