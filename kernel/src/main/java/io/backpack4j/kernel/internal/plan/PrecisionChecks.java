// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Precision;
import io.backpack4j.spi.tensor.DType;

/** Checks that there is a precision. */
public final class PrecisionChecks {

    private PrecisionChecks() {}

    /** Reports a precision that a backend does not have for a type. */
    public static void report(Backend backend, DType dtype, Precision precision, Problems problems) {
        if (precision == Precision.FULL || backend.supports(precision, dtype)) {
            return;
        }
        problems.add(
                CommonProblems.UNSUPPORTED,
                dtype == DType.FLOAT32
                        ? "Backend '%s' has no products of precision %s here: there are faster ones with oneDNN only, on processors that multiply bfloat16 (AVX512-BF16, AMX). Leave PassOptions.precision, --precision on the command line, out."
                                .formatted(backend.id(), precision)
                        : "Precision %s is for FLOAT32, but the model is %s. Leave PassOptions.precision, --precision on the command line, out, or take FLOAT32."
                                .formatted(precision, dtype));
    }
}
