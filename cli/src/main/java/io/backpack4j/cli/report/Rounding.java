// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.report;

import java.math.BigDecimal;
import java.math.MathContext;

/** Makes numbers short: a picture needs no more digits. */
final class Rounding {

    private static final MathContext DIGITS = new MathContext(4);

    private Rounding() {}

    /** Four significant digits. */
    static double round(double value) {
        return Double.isFinite(value) ? new BigDecimal(value).round(DIGITS).doubleValue() : value;
    }

    static double[] round(double[] values) {
        double[] rounded = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            rounded[i] = round(values[i]);
        }
        return rounded;
    }
}
