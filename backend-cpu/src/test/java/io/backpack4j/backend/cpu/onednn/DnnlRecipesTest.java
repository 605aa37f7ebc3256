// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.bytedeco.dnnl.global.dnnl.*;

import io.backpack4j.backend.cpu.loops.NativeLibraries;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * No operation of the hot path may silently get oneDNN's reference implementation, which is slower than a loop in Java.
 */
class DnnlRecipesTest {

    private final List<DnnlPrimitive> made = new ArrayList<>();

    @BeforeAll
    static void loadLibraries() {
        assertThat(NativeLibraries.get().onednn()).isPresent();
    }

    @AfterEach
    void close() {
        made.forEach(DnnlPrimitive::close);
    }

    private void assertFast(String what, DnnlPrimitive primitive) {
        made.add(primitive);
        assertThat(primitive.usable())
                .as(what + " is " + primitive.implementation())
                .isTrue();
        assertThat(primitive.implementation()).as(what).doesNotContain("ref").isNotEqualTo("none");
    }

    @Test
    void elementwise() {
        for (long n : new long[] {512, 513, 100_000}) {
            for (int algorithm : new int[] {
                dnnl_eltwise_linear,
                dnnl_eltwise_abs,
                dnnl_eltwise_sqrt,
                dnnl_eltwise_square,
                dnnl_eltwise_tanh,
                dnnl_eltwise_logistic
            }) {
                assertFast("eltwise " + algorithm, DnnlRecipes.eltwise(algorithm, 0, 0, n));
            }
            assertFast("reciprocal", DnnlRecipes.eltwise(dnnl_eltwise_pow, 1, -1, n));
            assertFast("leaky relu", DnnlRecipes.eltwise(dnnl_eltwise_relu, 0.1, 0, n));
            assertFast("elu", DnnlRecipes.eltwise(dnnl_eltwise_elu, 1, 0, n));
            assertFast("selu", DnnlRecipes.scaledEltwise(dnnl_eltwise_elu, 1.7, 1.1, n));
            assertFast("exp", DnnlRecipes.compare(dnnl_eltwise_exp, dnnl_binary_max, n));
            assertFast("relu", DnnlRecipes.compare(dnnl_eltwise_clip, dnnl_binary_max, n));
            assertFast("positive", DnnlRecipes.compare(dnnl_eltwise_clip, dnnl_binary_lt, n));
            assertFast("affine", DnnlRecipes.affine(n));
            assertFast("addScaled", DnnlRecipes.addScaled(n));
            assertFast("add", DnnlRecipes.add(n));
        }
    }

    @Test
    void pullbacksOfActivations() {
        for (int algorithm : new int[] {
            dnnl_eltwise_relu,
            dnnl_eltwise_elu,
            dnnl_eltwise_elu_use_dst_for_bwd,
            dnnl_eltwise_logistic_use_dst_for_bwd,
            dnnl_eltwise_tanh_use_dst_for_bwd
        }) {
            assertFast("pullback " + algorithm, DnnlRecipes.eltwiseBackward(algorithm, 0.5, 5000));
        }
        assertFast("pullback of log-sigmoid", DnnlRecipes.eltwiseBackward(dnnl_eltwise_soft_relu, -1, 5000));
    }

    @Test
    void binary() {
        long[][][] shapes = {
            {{5000}, {5000}},
            {{50, 100}, {1, 100}},
            {{50, 100}, {50, 1}},
            {{1, 5000}, {1, 1}},
            {{512, 10}, {1, 10}},
            {{512, 10}, {512, 1}},
            {{8, 16, 49}, {1, 16, 1}},
            {{8, 16, 49}, {8, 1, 49}},
        };
        for (long[][] each : shapes) {
            for (int algorithm : new int[] {dnnl_binary_add, dnnl_binary_sub, dnnl_binary_mul, dnnl_binary_div}) {
                assertFast("binary " + algorithm, DnnlRecipes.binary(algorithm, each[0], each[1], 1));
            }
            assertFast("reversed difference", DnnlRecipes.binary(dnnl_binary_sub, each[0], each[1], -1));
        }
    }

    @Test
    void products() {
        long[][] sizes = {
            {64, 64, 64}, {128, 10, 784}, {10, 784, 128}, {96, 576, 144}, {1, 100, 50}, {100, 1, 50}, {7, 9, 1}
        };
        for (long[] mnk : sizes) {
            for (long[] batch : new long[][] {{1, 1, 1}, {8, 8, 8}, {8, 1, 8}, {8, 8, 1}}) {
                for (int flags = 0; flags < 4; flags++) {
                    Layout a = DnnlProducts.operand(batch[0], batch[1], mnk[0], mnk[2], (flags & 1) != 0);
                    Layout b = DnnlProducts.operand(batch[0], batch[2], mnk[2], mnk[1], (flags & 2) != 0);
                    Layout c = DnnlProducts.operand(batch[0], batch[0], mnk[0], mnk[1], false);
                    for (double beta : new double[] {0, 1, 0.5}) {
                        assertFast("matmul", DnnlRecipes.matmul(a, b, c, beta));
                        assertFast("scaled matmul", DnnlRecipes.scaledMatmul(a, b, c, beta));
                    }
                    for (int kind = 0; kind < 4; kind++) {
                        assertFast(
                                "squared product",
                                DnnlRecipes.squaredProduct(a, b, c, (kind & 1) != 0, (kind & 2) != 0));
                    }
                }
            }
            assertFast(
                    "linear",
                    DnnlRecipes.linear(
                            DnnlProducts.operand(1, 1, mnk[0], mnk[2], false),
                            DnnlProducts.operand(1, 1, mnk[2], mnk[1], true),
                            DnnlProducts.operand(1, 1, mnk[0], mnk[1], false)));
        }
    }

    @Test
    void stepsOfRecurrentLayers() {
        for (long[] sizes : new long[][] {{64, 64}, {13, 21}, {1, 256}}) {
            long n = sizes[0];
            long hidden = sizes[1];
            Layout states = Layout.dense(n, hidden);
            Layout weight = Layout.dense(hidden, hidden);
            for (int function : new int[] {dnnl_eltwise_tanh, dnnl_eltwise_logistic}) {
                assertFast("gate", DnnlRecipes.activatedSum(states, weight, states, function));
            }
            Layout two = new Layout(new long[] {2, n, hidden}, new long[] {5 * n * hidden, hidden, 1});
            assertFast(
                    "gates",
                    DnnlRecipes.activatedSum(
                            Layout.dense(1, n, hidden), Layout.dense(2, hidden, hidden), two, dnnl_eltwise_logistic));
            assertFast("state", DnnlRecipes.tanhTimes(n * hidden));
            for (long columns : new long[] {1, 3}) {
                for (boolean plus : new boolean[] {false, true}) {
                    assertFast(
                            "product of columns",
                            DnnlRecipes.product(new long[] {columns, n * hidden}, new long[] {1, n * hidden}, plus));
                }
            }
        }
    }

    @Test
    void productsOfOneTile() {
        long n = 50_000;
        long batch = 128;
        for (long count : new long[] {1, 3}) {
            assertFast(
                    "dot",
                    DnnlRecipes.matmul(
                            Layout.dense(count, n),
                            Layout.dense(n, 1),
                            new Layout(new long[] {count, 1}, new long[] {batch, 1}),
                            0));
            assertFast(
                    "weighted sum",
                    DnnlRecipes.matmul(
                            new Layout(new long[] {count, 1}, new long[] {batch, 1}),
                            Layout.dense(1, n),
                            Layout.dense(count, n),
                            1));
        }
        for (int kind = 0; kind < 4; kind++) {
            assertFast("squares", DnnlRecipes.squares(n, (kind & 1) != 0, (kind & 2) != 0));
        }
    }

    @Test
    void sumsAndSoftmax() {
        for (long[] each : new long[][] {{1, 1000, 50}, {10, 30, 40}, {512, 10, 7}, {1, 512, 10}}) {
            assertFast("sum of columns", DnnlRecipes.sumColumns(each[0], each[1], each[2]));
            assertFast("sum of rows", DnnlRecipes.sumRows(each[0] * each[1], each[2]));
            assertFast("softmax", DnnlRecipes.softmax(each, 1));
        }
        assertFast("softmax", DnnlRecipes.softmax(new long[] {512, 10, 1}, 1));
    }

    @Test
    void moves() {
        assertFast("copy", DnnlRecipes.reorder(Layout.dense(5000), Layout.dense(5000)));
        assertFast("transpose", DnnlRecipes.reorder(Layout.dense(50, 70).transposed(), Layout.dense(70, 50)));
        assertFast(
                "channels last",
                DnnlRecipes.reorder(
                        new Layout(new long[] {8, 14, 14, 64}, new long[] {64 * 196, 14, 1, 196}),
                        Layout.dense(8, 14, 14, 64)));
    }

    @Test
    void whatIsSlowIsRefused() {
        DnnlPrimitive slow = DnnlRecipes.binary(dnnl_binary_add, new long[] {16, 64, 32}, new long[] {16, 1, 1}, 1);
        made.add(slow);
        assertThat(slow.usable()).isFalse();
        assertThat(Stream.of(slow).map(DnnlPrimitive::implementation)).allMatch(name -> name.contains("ref"));
    }

    /** oneDNN's own choice for sums of exactly 32 terms has half the speed of its choice for any other number. */
    @Test
    void productsOfOneNumberOfTermsAreNoSlowerThanThoseOfOthers() {
        for (boolean transposed : new boolean[] {false, true}) {
            assertThat(product(32, transposed).implementation())
                    .isEqualTo(product(31, transposed).implementation());
        }
    }

    private DnnlPrimitive product(long terms, boolean transposed) {
        Layout left = transposed ? Layout.dense(terms, 100).transposed() : Layout.dense(100, terms);
        DnnlPrimitive primitive = DnnlRecipes.matmul(left, Layout.dense(terms, 784), Layout.dense(100, 784), 0);
        made.add(primitive);
        return primitive;
    }
}
