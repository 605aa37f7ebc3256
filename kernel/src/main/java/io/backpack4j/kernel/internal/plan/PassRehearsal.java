package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.Plan.ResultType;
import io.backpack4j.kernel.ResultTaker;
import io.backpack4j.kernel.internal.linearization.LinearizedBatch;
import io.backpack4j.kernel.internal.linearization.NetworkProducts;
import io.backpack4j.kernel.internal.pass.PassInputs;
import io.backpack4j.kernel.internal.pass.PassLayout;
import io.backpack4j.kernel.internal.pass.PassResults;
import io.backpack4j.kernel.internal.pass.PassRun;
import io.backpack4j.kernel.internal.pass.Splitting;
import io.backpack4j.kernel.internal.pass.StepCounter;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.BlockProduct;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.HashSet;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/** A pass, and with its results one product of each kind that they offer. */
record PassRehearsal(PassLayout layout) implements Rehearsal {

    @Override
    public Outcome run(Backend backend, PassInputs inputs, Splitting splitting) {
        StepCounter counter = new StepCounter();
        PassInputs counted = inputs.watchedBy(counter);
        SortedMap<String, ResultType> types = new TreeMap<>();
        Set<String> handedOver = new HashSet<>();
        ResultTaker taker = (name, whole, origin, part) -> {
            types.put(name, new ResultType(part.dtype(), whole));
            handedOver.add(name);
        };
        try (PassResults results = PassRun.run(layout, splitting, backend, counted, NetworkProducts::new, taker)) {
            results.tensors().forEach((name, tensor) -> {
                types.put(name, new ResultType(tensor.dtype(), tensor.shape()));
            });
            results.settle();
            long columns = Math.min(LinearizedBatch.MANY_COLUMNS, splitting.blockColumns());
            results.products().values().forEach(product -> multiply(backend, product, columns));
            SortedMap<String, Shape> products = new TreeMap<>();
            results.products().forEach((name, product) -> products.put(name, product.parameter()));
            return new Outcome(types, handedOver, products, counter.steps());
        }
    }

    private void multiply(Backend backend, BlockProduct product, long columns) {
        try (TensorScope scope = backend.openScope()) {
            Tensor vectors = scope.allocate(product.parameter().prepend(columns), layout.dtype());
            product.multiply(scope, vectors);
        }
    }
}
