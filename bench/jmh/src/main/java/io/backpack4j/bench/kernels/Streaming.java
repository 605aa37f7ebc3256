// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.bench.kernels;

import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Operations that do little with every number: on the output of 3C3D's first convolution, 6.4 million numbers, and on
 * smaller tensors of that network.
 */
public class Streaming {

    /** What is measured, and how many bytes it has to read and to write. */
    public enum Operation {
        RELU("ReLU", 2) {
            @Override
            void run(Kernel kernel) {
                kernel.backend.elementwise().activation(RECTIFIER, 0, kernel.a, kernel.b);
            }
        },
        RELU_PULLBACK("ReLU, pullback", 3) {
            @Override
            void run(Kernel kernel) {
                kernel.backend.elementwise().activationPullback(RECTIFIER, kernel.a, kernel.c, kernel.b);
            }
        },
        SIGMOID("sigmoid", 2) {
            @Override
            void run(Kernel kernel) {
                kernel.backend.elementwise().activation(Activation.of(Activation.Kind.SIGMOID), 0, kernel.a, kernel.b);
            }
        },
        MULTIPLY("product of two tensors", 3) {
            @Override
            void run(Kernel kernel) {
                kernel.backend.elementwise().combine(BinaryOperation.MULTIPLY, kernel.a, kernel.c, kernel.b);
            }
        },
        SQUARE("square", 2) {
            @Override
            void run(Kernel kernel) {
                kernel.backend.elementwise().apply(UnaryOperation.SQUARE, kernel.a, kernel.b);
            }
        },
        EXP("exp", 2) {
            @Override
            void run(Kernel kernel) {
                kernel.backend.elementwise().apply(UnaryOperation.EXP, kernel.a, kernel.b);
            }
        },
        ADD_SCALED("addition of a multiple", 3) {
            @Override
            void run(Kernel kernel) {
                kernel.backend.elementwise().addScaled(1e-9, kernel.a, kernel.b);
            }
        },
        SUM("sum over samples", 1) {
            @Override
            void run(Kernel kernel) {
                kernel.backend.reductions().reduce(Reduction.SUM, kernel.rows, 0, 1, kernel.row);
            }
        },
        MAXIMUM("3×3 maxima, stride 2", 1 + OUTPUTS + PLACES) {
            @Override
            void run(Kernel kernel) {
                kernel.backend.pooling().maximum(WINDOW, kernel.a, kernel.maxima, kernel.places);
            }
        },
        SCATTER("3×3 maxima, pullback", 1 + OUTPUTS + PLACES) {
            @Override
            void run(Kernel kernel) {
                kernel.backend.pooling().scatter(kernel.places, kernel.maxima, kernel.b);
                // The scatter is written when somebody reads it.
                kernel.backend.elementwise().affine(kernel.few, 1, 0, kernel.few);
            }
        };

        final String text;
        final double tensors;

        Operation(String text, double tensors) {
            this.text = text;
            this.tensors = tensors;
        }

        abstract void run(Kernel kernel);

        double bytes() {
            return tensors * SHAPE.elements() * Float.BYTES;
        }
    }

    static final Shape SHAPE = Shape.of(128, 64, 29, 29);

    private static final Shape POOLED = Shape.of(128, 64, 14, 14);
    private static final double OUTPUTS = 14.0 * 14 / (29 * 29);
    /** A byte per maximum. */
    private static final double PLACES = OUTPUTS / Float.BYTES;

    private static final Activation RECTIFIER = Activation.of(Activation.Kind.RELU);
    private static final Window WINDOW = new Window(List.of(3L, 3L), List.of(2L, 2L), List.of(0L, 0L), List.of(1L, 1L));

    /** The backend and its tensors. */
    @State(Scope.Thread)
    public static class Kernel {

        @Param
        Operation operation;

        Backend backend;
        Tensor a;
        Tensor b;
        Tensor c;
        Tensor few;
        Tensor rows;
        Tensor row;
        Tensor maxima;
        Tensor places;
        private Ours ours;

        @Setup
        public void open() {
            ours = new Ours();
            backend = ours.backend;
            a = ours.afterConvolution(SHAPE);
            b = ours.afterConvolution(SHAPE);
            c = ours.afterConvolution(SHAPE);
            few = ours.scope.rows(b, 0, 1);
            rows = ours.normal(Shape.of(SHAPE.size(0), SHAPE.elements(1, SHAPE.rank())));
            row = ours.zeros(Shape.of(SHAPE.elements(1, SHAPE.rank())));
            maxima = ours.scope.allocate(POOLED, DType.FLOAT32);
            places = ours.scope.allocate(POOLED, DType.INT64);
            backend.pooling().maximum(WINDOW, a, maxima, places);
        }

        @TearDown
        public void close() {
            ours.close();
        }
    }

    @Benchmark
    public void ours(Kernel kernel) {
        kernel.operation.run(kernel);
    }
}
