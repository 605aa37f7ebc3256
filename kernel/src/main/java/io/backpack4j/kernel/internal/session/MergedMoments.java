// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.SessionState;
import io.backpack4j.kernel.internal.pass.CompensatedSum;
import io.backpack4j.kernel.internal.pass.Moments;
import io.backpack4j.kernel.internal.pass.PassPartials;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Map;

/** Moments. */
record MergedMoments(Backend backend, Moments moments) implements Merged {

    private static final String SUM = "sum";
    private static final String SUM_COMPENSATION = "sum_compensation";
    private static final String SQUARES = "squares";
    private static final String SQUARES_COMPENSATION = "squares_compensation";
    private static final String FIRST_MEAN = "first_mean";
    private static final String DISTANCE = "distance";
    private static final String COUNT = "count";

    static MergedMoments of(Backend backend, TensorScope scope, PassPartials.Value first) {
        Tensor sum = DeviceNumbers.copy(backend, scope, first.tensors().get(0));
        Tensor squares = DeviceNumbers.copy(backend, scope, first.tensors().get(1));
        return new MergedMoments(backend, new Moments(backend, scope, sum, squares, first.count()));
    }

    static MergedMoments of(Backend backend, TensorScope scope, StateReader state) {
        return new MergedMoments(
                backend,
                new Moments(
                        backend,
                        new CompensatedSum(backend, state.upload(scope, SUM), state.upload(scope, SUM_COMPENSATION)),
                        new CompensatedSum(
                                backend, state.upload(scope, SQUARES), state.upload(scope, SQUARES_COMPENSATION)),
                        state.upload(scope, FIRST_MEAN),
                        state.upload(scope, DISTANCE),
                        state.count(COUNT)));
    }

    @Override
    public Shape shape() {
        return moments.sum().sum().shape();
    }

    @Override
    public void add(PassPartials.Value part) {
        moments.add(part.tensors().get(0), part.tensors().get(1), part.count());
    }

    @Override
    public void add(Merged other) {
        try (TensorScope scope = backend.openScope()) {
            add(((MergedMoments) other).value(scope, 1));
        }
    }

    @Override
    public PassPartials.Value value(TensorScope scope, double factor) {
        Tensor sum = rounded(scope, moments.sum(), factor);
        Tensor squares = rounded(scope, moments.squares(), factor * factor);
        return new PassPartials.Value(List.of(sum, squares), moments.count());
    }

    private Tensor rounded(TensorScope scope, CompensatedSum sum, double factor) {
        Tensor result = scope.allocate(shape(), sum.sum().dtype());
        sum.roundTo(result);
        if (factor != 1) {
            backend.elementwise().affine(result, factor, 0, result);
        }
        return result;
    }

    @Override
    public Map<String, SessionState.Numbers> state() {
        return Map.of(
                SUM, new DeviceNumbers(moments.sum().sum()),
                SUM_COMPENSATION, new DeviceNumbers(moments.sum().compensation()),
                SQUARES, new DeviceNumbers(moments.squares().sum()),
                SQUARES_COMPENSATION, new DeviceNumbers(moments.squares().compensation()),
                FIRST_MEAN, new DeviceNumbers(moments.firstMean()),
                DISTANCE, new DeviceNumbers(moments.distance()),
                COUNT, HostNumbers.scalar(moments.count()));
    }
}
