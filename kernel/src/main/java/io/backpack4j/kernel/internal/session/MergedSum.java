// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.SessionState;
import io.backpack4j.kernel.internal.pass.CompensatedSum;
import io.backpack4j.kernel.internal.pass.PassPartials;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Map;

/** A compensated sum. */
record MergedSum(Backend backend, CompensatedSum sum) implements Merged {

    private static final String SUM = "sum";
    private static final String COMPENSATION = "compensation";

    /** A first part. */
    static MergedSum of(Backend backend, TensorScope scope, Tensor first) {
        return new MergedSum(backend, new CompensatedSum(backend, scope, DeviceNumbers.copy(backend, scope, first)));
    }

    static MergedSum of(Backend backend, TensorScope scope, StateReader state) {
        return new MergedSum(
                backend, new CompensatedSum(backend, state.upload(scope, SUM), state.upload(scope, COMPENSATION)));
    }

    @Override
    public Shape shape() {
        return sum.sum().shape();
    }

    @Override
    public void add(PassPartials.Value part) {
        sum.add(part.tensors().get(0));
    }

    @Override
    public void add(Merged other) {
        CompensatedSum added = ((MergedSum) other).sum;
        sum.add(added.sum());
        sum.add(added.compensation());
    }

    @Override
    public PassPartials.Value value(TensorScope scope, double factor) {
        Tensor result = scope.allocate(shape(), sum.sum().dtype());
        sum.roundTo(result);
        if (factor != 1) {
            backend.elementwise().affine(result, factor, 0, result);
        }
        return Merged.single(result);
    }

    @Override
    public Map<String, SessionState.Numbers> state() {
        return Map.of(SUM, new DeviceNumbers(sum.sum()), COMPENSATION, new DeviceNumbers(sum.compensation()));
    }
}
