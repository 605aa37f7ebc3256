// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import java.nio.charset.StandardCharsets;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.JCudaDriver;

/** Devices as the driver describes them, without taking one. */
final class JCudaDevices {

    private JCudaDevices() {}

    /** Number of devices. */
    static int count() {
        JCudaApi.check("cuInit", JCudaDriver.cuInit(0));
        int[] count = new int[1];
        JCudaApi.check("cuDeviceGetCount", JCudaDriver.cuDeviceGetCount(count));
        return count[0];
    }

    /** One device for people: {@code NVIDIA H200, compute capability 9.0}. */
    static String description(int ordinal) {
        CUdevice device = new CUdevice();
        JCudaApi.check("cuDeviceGet", JCudaDriver.cuDeviceGet(device, ordinal));
        return "%s, compute capability %d.%d"
                .formatted(
                        name(device),
                        attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR),
                        attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR));
    }

    /** The CUDA version that the driver supports: {@code 12.6}. */
    static String driver() {
        int[] version = new int[1];
        JCudaApi.check("cuDriverGetVersion", JCudaDriver.cuDriverGetVersion(version));
        return "%d.%d".formatted(version[0] / 1000, version[0] % 1000 / 10);
    }

    static String name(CUdevice device) {
        byte[] name = new byte[256];
        JCudaApi.check("cuDeviceGetName", JCudaDriver.cuDeviceGetName(name, name.length, device));
        return new String(name, StandardCharsets.UTF_8).split("\0", 2)[0];
    }

    static int attribute(CUdevice device, int attribute) {
        int[] value = new int[1];
        JCudaApi.check("cuDeviceGetAttribute", JCudaDriver.cuDeviceGetAttribute(value, attribute, device));
        return value[0];
    }
}
