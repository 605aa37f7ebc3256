// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu;

import io.backpack4j.backend.cpu.loops.KernelSet;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BackendConfiguration;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.testkit.Randomness;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** A kernel set and a type; every operation is tested with each. */
public record Variant(String kernels, DType dtype) {

    public static final int THREADS = 2;

    private static final long SEED = Randomness.seed(20260101);

    public static List<Variant> all() {
        List<Variant> variants = new ArrayList<>();
        for (String kernels : List.of("nd4j", "onednn")) {
            for (DType dtype : List.of(DType.FLOAT32, DType.FLOAT64)) {
                variants.add(new Variant(kernels, dtype));
            }
        }
        return variants;
    }

    public static Backend open(String kernels) {
        return open(Map.of("kernels", kernels));
    }

    /** With properties, whose names begin behind {@code backpack.cpu.}. */
    public static Backend open(Map<String, String> properties) {
        return open(properties, THREADS);
    }

    public static Backend open(Map<String, String> properties, int threads) {
        return new CpuBackendProvider().open(new BackendConfiguration(threads, properties));
    }

    public static KernelSet kernels(Backend backend) {
        return ((CpuBackend) backend).kernels();
    }

    public Backend open() {
        return open(kernels);
    }

    public boolean single() {
        return dtype == DType.FLOAT32;
    }

    /** How far a result may lie from the oracle's, per unit of the summed magnitudes. */
    public double tolerance() {
        return single() ? 2e-6 : 1e-14;
    }

    public double round(double value) {
        return single() ? (float) value : value;
    }

    /** The seed of all generators. */
    public static long seed() {
        return SEED;
    }

    public static Random random(int salt) {
        return new Random(SEED * 31 + salt);
    }
}
