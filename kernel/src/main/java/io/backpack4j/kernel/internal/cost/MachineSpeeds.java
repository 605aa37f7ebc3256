// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.cost;

import io.backpack4j.kernel.internal.dryrun.WorkKind;
import io.backpack4j.kernel.internal.dryrun.WorkMeter;
import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Speeds of a backend on this machine, from small calls of its operations, which take about a second
 * together.
 * Safe for threads.
 */
public final class MachineSpeeds {

    private static final int ROUNDS = 5;
    private static final int SMALL = 16;
    private static final int CACHED = 1 << 14;
    private static final int LARGE = 1 << 22;
    private static final RandomKey KEY = new RandomKey(0, 0, 0);

    private final Map<WorkKind, Speed> speeds = new EnumMap<>(WorkKind.class);

    private final Probes probes = new Probes();
    /** What a pass does around a call: a scope, a tensor and a view of it. */
    private double overhead;

    private final Backend backend;
    private final DType dtype;

    /** Measures. */
    public MachineSpeeds(Backend backend, DType dtype) {
        this.backend = backend;
        this.dtype = dtype;
        for (int round = 0; round < ROUNDS; round++) {
            probes.begin();
            try (TensorScope scope = backend.openScope()) {
                measure(scope);
            }
        }
    }

    /** Seconds that a call takes. */
    public double seconds(WorkMeter.Call call) {
        return overhead + speed(call.kind()).seconds(call.operations(), call.bytes(), call.parts());
    }

    private Speed speed(WorkKind kind) {
        return Objects.requireNonNull(speeds.get(kind), kind.name());
    }

    /** The most multiplications and additions of a second, in large products. */
    public double operationsPerSecond() {
        List<Speed.Point> points = speed(WorkKind.PRODUCT).points();
        return 1 / points.get(points.size() - 1).secondsPerOperation();
    }

    /** Bytes per second of memory beyond caches. */
    public double bytesPerSecond() {
        return 1 / speed(WorkKind.ELEMENTWISE).secondsPerByte();
    }

    private void measure(TensorScope scope) {
        var ops = backend.elementwise();
        overhead = probes.seconds(() -> {
            try (TensorScope around = backend.openScope()) {
                around.view(around.allocate(Shape.of(SMALL), dtype), Shape.of(1, SMALL));
            }
        });
        Tensor large = tensor(scope, LARGE);
        Tensor other = tensor(scope, LARGE);
        double perByte = probes.seconds(() -> ops.combine(BinaryOperation.ADD, large, other, other))
                / (3.0 * LARGE * dtype.bytes());
        put(scope, WorkKind.ELEMENTWISE, perByte, (x, y) -> ops.combine(BinaryOperation.ADD, x, x, y));
        Activation tanh = Activation.of(Activation.Kind.TANH);
        put(scope, WorkKind.FUNCTION, perByte, (x, y) -> ops.activation(tanh, 0, x, y));
        Activation gelu = Activation.of(Activation.Kind.GELU);
        put(scope, WorkKind.GATE, perByte, (x, y) -> ops.activation(gelu, 0, x, y));
        Tensor sum = tensor(scope, SMALL);
        put(scope, WorkKind.REDUCTION, perByte, (x, y) -> {
            try (TensorScope views = backend.openScope()) {
                long rows = x.shape().elements() / SMALL;
                backend.reductions().reduce(Reduction.SUM, views.view(x, Shape.of(rows, SMALL)), 0, 1, sum);
            }
        });
        put(
                scope,
                WorkKind.DRAW,
                perByte,
                (x, y) -> backend.random().uniform(KEY, new long[(int) y.shape().size(0)], y));
        Tensor range = backend.upload(scope, Shape.of(2), dtype, new double[] {-1, 1});
        Tensor counts = scope.allocate(Shape.of(SMALL + 1), DType.INT64);
        put(scope, WorkKind.HISTOGRAM, perByte, (x, y) -> backend.reductions().addHistogram(x, range, 1, counts));
        put(scope, WorkKind.MOVEMENT, perByte, (x, y) -> {
            try (TensorScope views = backend.openScope()) {
                long rows = x.shape().elements() / SMALL;
                Tensor matrix = views.view(x, Shape.of(rows, SMALL));
                Tensor target = views.view(y, Shape.of(SMALL, rows));
                backend.indexing().permute(matrix, new int[] {1, 0}, target);
            }
        });
        products(scope, perByte);
        convolutions(scope, perByte);
        decompositions(scope, perByte);
    }

    private interface Work {
        void on(Tensor x, Tensor y);
    }

    /** Work on elements: on a few for the latency, on some in a cache for the speed. */
    private void put(TensorScope scope, WorkKind kind, double perByte, Work work) {
        Tensor few = tensor(scope, SMALL);
        Tensor many = tensor(scope, CACHED);
        Tensor fewMore = tensor(scope, SMALL);
        Tensor manyMore = tensor(scope, CACHED);
        double latency = probes.seconds(() -> work.on(few, fewMore));
        double all = probes.seconds(() -> work.on(many, manyMore));
        speeds.put(kind, new Speed(latency, List.of(new Speed.Point(1, beyond(all, latency) / CACHED)), perByte));
    }

    private void products(TensorScope scope, double perByte) {
        double latency = product(scope, 1, 2);
        List<Speed.Point> points = new ArrayList<>();
        for (int size : new int[] {4, 16, 64, 256}) {
            long pieces = Math.max(1, (64L * 64 * 64 * 8) / ((long) size * size * size));
            long most = Math.min(pieces, 512);
            double operations = 2.0 * size * size * size;
            double seconds = beyond(product(scope, most, size), latency);
            points.add(new Speed.Point(operations, seconds / operations / most));
        }
        speeds.put(WorkKind.PRODUCT, new Speed(latency, points, perByte));
    }

    private double product(TensorScope scope, long pieces, long size) {
        Tensor a = ones(scope, Shape.of(pieces, size, size));
        Tensor b = ones(scope, Shape.of(pieces, size, size));
        Tensor c = ones(scope, Shape.of(pieces, size, size));
        return probes.seconds(() -> backend.products().multiply(a, false, b, false, 1, 0, c));
    }

    private void convolutions(TensorScope scope, double perByte) {
        double latency = convolution(scope, 1, 2, 2, 4).seconds();
        List<Speed.Point> points = new ArrayList<>();
        for (long[] sizes : new long[][] {{8, 4, 8}, {8, 16, 16}, {4, 64, 28}}) {
            Convolved of = convolution(scope, sizes[0], sizes[1], sizes[1], sizes[2]);
            double each = beyond(of.seconds(), latency) / of.operations();
            points.add(new Speed.Point(of.operations() / sizes[0], each));
        }
        speeds.put(WorkKind.CONVOLUTION, new Speed(latency, points, perByte));
        Convolved depthwise = convolution(scope, 8, 32, 1, 16);
        double each = beyond(depthwise.seconds(), latency) / depthwise.operations();
        speeds.put(WorkKind.DEPTHWISE, new Speed(latency, List.of(new Speed.Point(1, each)), perByte));
    }

    /** What a call takes beyond the latency; half of it at least, since the latency was disturbed if it is more. */
    private static double beyond(double seconds, double latency) {
        return Math.max(seconds / 2, seconds - latency);
    }

    private record Convolved(double seconds, double operations) {}

    private Convolved convolution(TensorScope scope, long samples, long channels, long perGroup, long side) {
        Window window = new Window(List.of(3L, 3L), List.of(1L, 1L), List.of(1L, 1L), List.of(1L, 1L));
        Tensor x = ones(scope, Shape.of(samples, channels, side, side));
        Tensor weight = ones(scope, Shape.of(channels, perGroup, 3, 3));
        Tensor y = ones(scope, Shape.of(samples, channels, side, side));
        double seconds = probes.seconds(() -> backend.convolutions().convolve(window, x, weight, null, y));
        return new Convolved(seconds, 2.0 * y.shape().elements() * perGroup * 9);
    }

    private void decompositions(TensorScope scope, double perByte) {
        int size = 48;
        double[] numbers = new double[size * size];
        for (int i = 0; i < size; i++) {
            for (int j = 0; j < size; j++) {
                numbers[i * size + j] = 1.0 / (1 + Math.abs(i - j));
            }
        }
        Tensor matrix = backend.upload(scope, Shape.of(1, size, size), dtype, numbers);
        Tensor values = ones(scope, Shape.of(1, size));
        Tensor vectors = ones(scope, Shape.of(1, size, size));
        double seconds = probes.seconds(() -> backend.decompositions().symmetricEigen(matrix, values, vectors));
        double operations = 9.0 * size * size * size;
        speeds.put(
                WorkKind.DECOMPOSITION,
                new Speed(0, List.of(new Speed.Point(operations, seconds / operations)), perByte));
    }

    private Tensor tensor(TensorScope scope, long size) {
        return ones(scope, Shape.of(size));
    }

    private Tensor ones(TensorScope scope, Shape shape) {
        Tensor tensor = scope.allocate(shape, dtype);
        backend.elementwise().fill(tensor, 1);
        return tensor;
    }
}
