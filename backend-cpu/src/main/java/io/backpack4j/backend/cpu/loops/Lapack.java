// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.DoubleAddress;
import io.backpack4j.backend.cpu.memory.FloatAddress;
import io.backpack4j.backend.cpu.memory.IntAddress;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.openblas.global.openblas;

/**
 * LAPACK, as OpenBLAS brings it, column-major and with memory of the caller's. Addresses are native; the answers are
 * LAPACK's: 0, or what went wrong.
 */
final class Lapack {

    private static final ThreadLocal<Operands> OPERANDS = ThreadLocal.withInitial(Operands::new);
    private static final byte VECTORS = 'V';
    private static final byte NO_VECTORS = 'N';

    /** A range of eigenvalues, counted from 1. */
    private static final byte BY_INDEX = 'I';

    /** The lower triangle of a row-major matrix is the upper one of a column-major matrix. */
    private static final byte TRIANGLE = 'U';

    private Lapack() {}

    /** The elements of work that {@link #eigen} needs. */
    static long work(int n) {
        return 1 + 6L * n + 2L * n * n;
    }

    /** The integers of 32 bits that {@link #eigen} needs. */
    static long integerWork(int n) {
        return 3 + 5L * n;
    }

    /** Replaces a symmetric matrix by its eigenvectors, one per row, and writes the eigenvalues, ascending. */
    static int eigen(boolean single, int n, long matrix, long values, long work, long integers) {
        Operands operands = OPERANDS.get();
        int workLength = Math.toIntExact(work(n));
        int integerLength = Math.toIntExact(integerWork(n));
        return single
                ? openblas.LAPACKE_ssyevd_work(
                        openblas.LAPACK_COL_MAJOR,
                        VECTORS,
                        TRIANGLE,
                        n,
                        operands.floatA.at(matrix),
                        n,
                        operands.floatB.at(values),
                        operands.floatC.at(work),
                        workLength,
                        operands.integers.at(integers),
                        integerLength)
                : openblas.LAPACKE_dsyevd_work(
                        openblas.LAPACK_COL_MAJOR,
                        VECTORS,
                        TRIANGLE,
                        n,
                        operands.doubleA.at(matrix),
                        n,
                        operands.doubleB.at(values),
                        operands.doubleC.at(work),
                        workLength,
                        operands.integers.at(integers),
                        integerLength);
    }

    /** The elements of work that {@link #eigenvalues} and {@link #largest} need, with blocks of 32 columns. */
    static long smallWork(int n) {
        return 1 + 40L * n;
    }

    /** Destroys a symmetric matrix and writes its eigenvalues, ascending. */
    static int eigenvalues(boolean single, int n, long matrix, long values, long work, long integers) {
        Operands operands = OPERANDS.get();
        int workLength = Math.toIntExact(smallWork(n));
        return single
                ? openblas.LAPACKE_ssyevd_work(
                        openblas.LAPACK_COL_MAJOR,
                        NO_VECTORS,
                        TRIANGLE,
                        n,
                        operands.floatA.at(matrix),
                        n,
                        operands.floatB.at(values),
                        operands.floatC.at(work),
                        workLength,
                        operands.integers.at(integers),
                        1)
                : openblas.LAPACKE_dsyevd_work(
                        openblas.LAPACK_COL_MAJOR,
                        NO_VECTORS,
                        TRIANGLE,
                        n,
                        operands.doubleA.at(matrix),
                        n,
                        operands.doubleB.at(values),
                        operands.doubleC.at(work),
                        workLength,
                        operands.integers.at(integers),
                        1);
    }

    /** The integers of 32 bits that {@link #largest} needs: how many were found, where vectors have numbers, work. */
    static long largestIntegers(int n, int count) {
        return 1 + 2L * count + 10L * n;
    }

    /**
     * Destroys a symmetric matrix and writes its largest eigenvalues, ascending, and their vectors, one per row.
     *
     * @param values memory of n numbers
     */
    static int largest(
            boolean single, int n, int count, long matrix, long values, long vectors, long work, long integers) {
        Operands operands = OPERANDS.get();
        int workLength = Math.toIntExact(smallWork(n));
        long support = integers + Integer.BYTES;
        long integerWork = support + 2L * count * Integer.BYTES;
        return single
                ? openblas.LAPACKE_ssyevr_work(
                        openblas.LAPACK_COL_MAJOR,
                        VECTORS,
                        BY_INDEX,
                        TRIANGLE,
                        n,
                        operands.floatA.at(matrix),
                        n,
                        0,
                        0,
                        n - count + 1,
                        n,
                        0,
                        operands.integers.at(integers),
                        operands.floatB.at(values),
                        operands.floatD.at(vectors),
                        n,
                        operands.support.at(support),
                        operands.floatC.at(work),
                        workLength,
                        operands.integerWork.at(integerWork),
                        10 * n)
                : openblas.LAPACKE_dsyevr_work(
                        openblas.LAPACK_COL_MAJOR,
                        VECTORS,
                        BY_INDEX,
                        TRIANGLE,
                        n,
                        operands.doubleA.at(matrix),
                        n,
                        0,
                        0,
                        n - count + 1,
                        n,
                        0,
                        operands.integers.at(integers),
                        operands.doubleB.at(values),
                        operands.doubleD.at(vectors),
                        n,
                        operands.support.at(support),
                        operands.doubleC.at(work),
                        workLength,
                        operands.integerWork.at(integerWork),
                        10 * n);
    }

    /** Replaces the lower triangle of a symmetric matrix by its Cholesky factor. */
    static int cholesky(boolean single, int n, long matrix) {
        Operands operands = OPERANDS.get();
        return single
                ? openblas.LAPACKE_spotrf_work(openblas.LAPACK_COL_MAJOR, TRIANGLE, n, operands.floatA.at(matrix), n)
                : openblas.LAPACKE_dpotrf_work(openblas.LAPACK_COL_MAJOR, TRIANGLE, n, operands.doubleA.at(matrix), n);
    }

    /** Replaces the lower triangle of a Cholesky factor by that of the inverse. */
    static int inverse(boolean single, int n, long matrix) {
        Operands operands = OPERANDS.get();
        return single
                ? openblas.LAPACKE_spotri_work(openblas.LAPACK_COL_MAJOR, TRIANGLE, n, operands.floatA.at(matrix), n)
                : openblas.LAPACKE_dpotri_work(openblas.LAPACK_COL_MAJOR, TRIANGLE, n, operands.doubleA.at(matrix), n);
    }

    /** Replaces rows by the solutions of systems with a matrix given by its Cholesky factor. */
    static int solve(boolean single, int n, int count, long factor, long rows) {
        Operands operands = OPERANDS.get();
        return single
                ? openblas.LAPACKE_spotrs_work(
                        openblas.LAPACK_COL_MAJOR,
                        TRIANGLE,
                        n,
                        count,
                        operands.floatA.at(factor),
                        n,
                        operands.floatB.at(rows),
                        n)
                : openblas.LAPACKE_dpotrs_work(
                        openblas.LAPACK_COL_MAJOR,
                        TRIANGLE,
                        n,
                        count,
                        operands.doubleA.at(factor),
                        n,
                        operands.doubleB.at(rows),
                        n);
    }

    /** An {@link Address} of integers of 32 bits. */
    private static final class IntAddress extends IntPointer {

        IntAddress() {
            super((Pointer) null);
        }

        IntAddress at(long newAddress) {
            address = newAddress;
            return this;
        }
    }

    private static final class Operands {
        final FloatAddress floatA = new FloatAddress();
        final FloatAddress floatB = new FloatAddress();
        final FloatAddress floatC = new FloatAddress();
        final FloatAddress floatD = new FloatAddress();
        final DoubleAddress doubleA = new DoubleAddress();
        final DoubleAddress doubleB = new DoubleAddress();
        final DoubleAddress doubleC = new DoubleAddress();
        final DoubleAddress doubleD = new DoubleAddress();
        final IntAddress integers = new IntAddress();
        final IntAddress support = new IntAddress();
        final IntAddress integerWork = new IntAddress();
    }
}
