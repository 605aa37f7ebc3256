// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.bench.kernels;

import java.util.ArrayList;
import java.util.List;

/**
 * Matrix products of passes over networks that are so small that calls count. Every product writes its result where it
 * stays; what is written besides is not here.
 */
public enum SmallPass {
    LOGREG_64("logistic regression, N=64, gradient", gradient(64, 784, 10)),
    LOGREG_512("logistic regression, N=512, gradient", gradient(512, 784, 10)),
    MLP_GRADIENT("MLP 784-100-10, N=32, gradient", gradient(32, 784, 100, 10)),
    MLP_KFAC("MLP 784-100-10, N=32, KFAC", kfac(32, 784, 100, 10)),
    MLP_CHEAP6("MLP 784-100-10, N=32, Cheap6", cheap6(32, 784, 100, 10));

    final String text;
    final List<MatrixProduct> products;

    SmallPass(String text, List<MatrixProduct> products) {
        this.text = text;
        this.products = products;
    }

    /**
     * A product {@code [m, k] · [k, n]}.
     *
     * @param transposeA whether the left factor is stored as {@code [k, m]}
     * @param transposeB whether the right factor is stored as {@code [n, k]}
     */
    record MatrixProduct(long m, long k, long n, boolean transposeA, boolean transposeB) {}

    /** Forward, the weights' gradients, and cotangents of all inputs but the first. */
    private static List<MatrixProduct> gradient(long samples, long... sizes) {
        List<MatrixProduct> products = new ArrayList<>();
        for (int i = 1; i < sizes.length; i++) {
            products.add(new MatrixProduct(samples, sizes[i - 1], sizes[i], false, true));
        }
        products.addAll(cotangents(samples, sizes));
        products.addAll(sums(samples, sizes));
        return products;
    }

    private static List<MatrixProduct> cotangents(long samples, long... sizes) {
        List<MatrixProduct> products = new ArrayList<>();
        for (int i = sizes.length - 1; i > 1; i--) {
            products.add(new MatrixProduct(samples, sizes[i], sizes[i - 1], false, false));
        }
        return products;
    }

    /** Sums over samples of outer products of cotangents and inputs, or of their squares. */
    private static List<MatrixProduct> sums(long samples, long... sizes) {
        List<MatrixProduct> products = new ArrayList<>();
        for (int i = sizes.length - 1; i > 0; i--) {
            products.add(new MatrixProduct(sizes[i], samples, sizes[i - 1], true, false));
        }
        return products;
    }

    /** The gradient, a drawn column on its way back, and both Kronecker factors of every layer. */
    private static List<MatrixProduct> kfac(long samples, long... sizes) {
        List<MatrixProduct> products = new ArrayList<>(gradient(samples, sizes));
        products.addAll(cotangents(samples, sizes));
        for (int i = 1; i < sizes.length; i++) {
            products.add(new MatrixProduct(sizes[i - 1], samples, sizes[i - 1], true, false));
            products.add(new MatrixProduct(sizes[i], samples, sizes[i], true, false));
        }
        return products;
    }

    /** The same with squares of single gradients, and of a drawn column's. */
    private static List<MatrixProduct> cheap6(long samples, long... sizes) {
        List<MatrixProduct> products = new ArrayList<>(kfac(samples, sizes));
        products.addAll(sums(samples, sizes));
        products.addAll(sums(samples, sizes));
        return products;
    }
}
