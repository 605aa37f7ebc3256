// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.DoubleAddress;
import io.backpack4j.backend.cpu.memory.FloatAddress;
import org.bytedeco.openblas.global.openblas_nolapack;

/** Matrix products of one pair, row-major, through OpenBLAS. */
final class OpenBlas {

    private static final ThreadLocal<Operands> OPERANDS = ThreadLocal.withInitial(Operands::new);

    private OpenBlas() {}

    /** c = alpha · op(a) · op(b) + beta · c, c being [m, n]; addresses are native. */
    static void multiply(
            boolean single,
            boolean transposeA,
            boolean transposeB,
            int m,
            int n,
            int k,
            double alpha,
            long a,
            long b,
            double beta,
            long c) {
        Operands operands = OPERANDS.get();
        int opA = transposeA ? openblas_nolapack.CblasTrans : openblas_nolapack.CblasNoTrans;
        int opB = transposeB ? openblas_nolapack.CblasTrans : openblas_nolapack.CblasNoTrans;
        int strideA = transposeA ? m : k;
        int strideB = transposeB ? k : n;
        if (single) {
            openblas_nolapack.cblas_sgemm(
                    openblas_nolapack.CblasRowMajor,
                    opA,
                    opB,
                    m,
                    n,
                    k,
                    (float) alpha,
                    operands.floatA.at(a),
                    strideA,
                    operands.floatB.at(b),
                    strideB,
                    (float) beta,
                    operands.floatC.at(c),
                    n);
        } else {
            openblas_nolapack.cblas_dgemm(
                    openblas_nolapack.CblasRowMajor,
                    opA,
                    opB,
                    m,
                    n,
                    k,
                    alpha,
                    operands.doubleA.at(a),
                    strideA,
                    operands.doubleB.at(b),
                    strideB,
                    beta,
                    operands.doubleC.at(c),
                    n);
        }
    }

    private static final class Operands {
        final FloatAddress floatA = new FloatAddress();
        final FloatAddress floatB = new FloatAddress();
        final FloatAddress floatC = new FloatAddress();
        final DoubleAddress doubleA = new DoubleAddress();
        final DoubleAddress doubleB = new DoubleAddress();
        final DoubleAddress doubleC = new DoubleAddress();
    }
}
