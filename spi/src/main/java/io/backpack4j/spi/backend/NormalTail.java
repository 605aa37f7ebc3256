// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

import io.backpack4j.spi.Experimental;

/**
 * The upper tail of the standard normal distribution, T(a) = 1 − Φ(a) for a ≥ 0, as exp(−a²/2) / (1 + 1.5 a) times a
 * polynomial in u = (a − 4) / (a + 4), which runs from -1 to 1. The polynomial is the Chebyshev expansion of degree 26,
 * calculated with 80 digits; in double precision the relative error of what stands before the exponential is 3e-16.
 */
@Experimental
public final class NormalTail {

    /** The polynomial's coefficients, of the lowest power first. */
    public static final double[] COEFFICIENTS = {
        0.6608744891137825,
        -0.05985635521556094,
        -0.04119017558299499,
        0.07875424974918743,
        -0.06372915819520533,
        0.03115019396081806,
        -0.007757348926000205,
        -0.0007478415769557868,
        0.001135937814342153,
        -0.0001188678945342464,
        -0.00014610410543185634,
        2.9559060417826652e-05,
        2.259276559389128e-05,
        -4.732662694844801e-06,
        -4.252036213531363e-06,
        5.012253352907997e-07,
        8.786303515964773e-07,
        3.315430146741392e-08,
        -1.7536624783883854e-07,
        -4.129760150426567e-08,
        2.9323690132639178e-08,
        1.4525399432336395e-08,
        -3.22317868280021e-09,
        -3.0355753588012147e-09,
        6.084408173681687e-11,
        3.0853767366819644e-10,
        2.7742533356395256e-11
    };

    /** Where u is 0. */
    public static final double CENTRE = 4;

    /** The factor of a in the denominator. */
    public static final double SLOPE = 1.5;

    private NormalTail() {}
}
