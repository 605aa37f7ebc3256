// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.DType;
import jcuda.Pointer;
import jcuda.driver.CUstream;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasDiagType;
import jcuda.jcublas.cublasFillMode;
import jcuda.jcublas.cublasHandle;
import jcuda.jcublas.cublasMath;
import jcuda.jcublas.cublasOperation;
import jcuda.jcublas.cublasSideMode;
import jcuda.jcublas.cublasStatus;
import jcuda.runtime.cudaStream_t;

/** cuBLAS. */
final class JCudaBlas {

    private JCudaBlas() {}

    /** An address of the device as cuBLAS takes it. */
    private static final class Operand extends Pointer {

        Operand(long address) {
            super(address);
        }
    }

    private static void check(String call, int code) {
        if (code != cublasStatus.CUBLAS_STATUS_SUCCESS) {
            throw new CudaFailure(call, "%s (%d)".formatted(cublasStatus.stringFor(code), code));
        }
    }

    /** A handle that works in a stream. */
    static cublasHandle create(CUstream stream, boolean tensorFloat32) {
        cublasHandle handle = new cublasHandle();
        check("cublasCreate", JCublas2.cublasCreate(handle));
        try {
            check("cublasSetStream", JCublas2.cublasSetStream(handle, new cudaStream_t(stream)));
            int mode = tensorFloat32 ? cublasMath.CUBLAS_TF32_TENSOR_OP_MATH : cublasMath.CUBLAS_DEFAULT_MATH;
            check("cublasSetMathMode", JCublas2.cublasSetMathMode(handle, mode));
        } catch (CudaFailure failure) {
            JCublas2.cublasDestroy(handle);
            throw failure;
        }
        return handle;
    }

    static void destroy(cublasHandle handle) {
        check("cublasDestroy", JCublas2.cublasDestroy(handle));
    }

    static void multiply(cublasHandle handle, DType dtype, MatrixProduct product) {
        int opA = operation(product.a().transposed());
        int opB = operation(product.b().transposed());
        MatrixProduct.Matrices matricesA = product.a().matrices();
        MatrixProduct.Matrices matricesB = product.b().matrices();
        Pointer a = new Operand(matricesA.address());
        Pointer b = new Operand(matricesB.address());
        Pointer c = new Operand(product.c().address());
        int m = size(product.m());
        int n = size(product.n());
        int k = size(product.k());
        int leadingA = size(matricesA.leading());
        int leadingB = size(matricesB.leading());
        int leadingC = size(product.c().leading());
        int batch = size(product.batch());
        long stepA = matricesA.stride();
        long stepB = matricesB.stride();
        long stepC = product.c().stride();
        if (dtype == DType.FLOAT32) {
            Pointer alpha = Pointer.to(new float[] {(float) product.alpha()});
            Pointer beta = Pointer.to(new float[] {(float) product.beta()});
            if (batch == 1) {
                check(
                        "cublasSgemm",
                        JCublas2.cublasSgemm(
                                handle, opA, opB, m, n, k, alpha, a, leadingA, b, leadingB, beta, c, leadingC));
            } else {
                check(
                        "cublasSgemmStridedBatched",
                        JCublas2.cublasSgemmStridedBatched(
                                handle, opA, opB, m, n, k, alpha, a, leadingA, stepA, b, leadingB, stepB, beta, c,
                                leadingC, stepC, batch));
            }
        } else {
            Pointer alpha = Pointer.to(new double[] {product.alpha()});
            Pointer beta = Pointer.to(new double[] {product.beta()});
            if (batch == 1) {
                check(
                        "cublasDgemm",
                        JCublas2.cublasDgemm(
                                handle, opA, opB, m, n, k, alpha, a, leadingA, b, leadingB, beta, c, leadingC));
            } else {
                check(
                        "cublasDgemmStridedBatched",
                        JCublas2.cublasDgemmStridedBatched(
                                handle, opA, opB, m, n, k, alpha, a, leadingA, stepA, b, leadingB, stepB, beta, c,
                                leadingC, stepC, batch));
            }
        }
    }

    static void solve(cublasHandle handle, DType dtype, TriangularSystem system) {
        int left = cublasSideMode.CUBLAS_SIDE_LEFT;
        int upper = cublasFillMode.CUBLAS_FILL_MODE_UPPER;
        int diagonal = cublasDiagType.CUBLAS_DIAG_NON_UNIT;
        int op = operation(system.transposed());
        int rows = size(system.rows());
        int columns = size(system.columns());
        Pointer a = new Operand(system.a());
        Pointer b = new Operand(system.b());
        if (dtype == DType.FLOAT32) {
            Pointer one = Pointer.to(new float[] {1});
            check(
                    "cublasStrsm",
                    JCublas2.cublasStrsm(handle, left, upper, op, diagonal, rows, columns, one, a, rows, b, rows));
        } else {
            Pointer one = Pointer.to(new double[] {1});
            check(
                    "cublasDtrsm",
                    JCublas2.cublasDtrsm(handle, left, upper, op, diagonal, rows, columns, one, a, rows, b, rows));
        }
    }

    private static int operation(boolean transposed) {
        return transposed ? cublasOperation.CUBLAS_OP_T : cublasOperation.CUBLAS_OP_N;
    }

    private static int size(long size) {
        if (size > Integer.MAX_VALUE) {
            throw new BackpackException(
                    CommonProblems.TOO_LARGE,
                    "cuBLAS multiplies matrices of up to %d rows and columns, not %d. Use a smaller batch."
                            .formatted(Integer.MAX_VALUE, size));
        }
        return (int) size;
    }
}
