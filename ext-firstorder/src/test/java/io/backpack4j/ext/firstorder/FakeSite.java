package io.backpack4j.ext.firstorder;

import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.CrossInnerProducts;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/** A parameter that writes down what is asked of it. */
final class FakeSite implements SiteDeclaration {

    record Request(String key, Signal signal, Contraction contraction) {}

    final List<Request> requests = new ArrayList<>();
    private final long samples;

    FakeSite(long samples) {
        this.samples = samples;
    }

    @Override
    public String parameter() {
        return "0.weight";
    }

    @Override
    public Shape shape() {
        return Shape.of(3, 2);
    }

    @Override
    public long samples() {
        return samples;
    }

    @Override
    public void accumulate(String key, Signal signal, Contraction contraction) {
        requests.add(new Request(key, signal, contraction));
    }

    @Override
    public void accumulate(String key, Signal left, Signal right, CrossInnerProducts products) {
        throw new AssertionError("No inner products of two signals are needed");
    }

    @Override
    public void accumulateInGroup(String group, Signal left, Signal right, CrossInnerProducts products) {
        throw new AssertionError("No inner products over groups are needed");
    }

    @Override
    public void partial(String key, Signal signal, MergeRule rule, Shape shape) {
        throw new AssertionError("No partial result of its own is needed");
    }

    @Override
    public void visit(Signal signal) {
        throw new AssertionError("No visit is needed");
    }

    @Override
    public void product(String key, CurvatureMatrix matrix) {
        throw new AssertionError("No product is needed");
    }
}
