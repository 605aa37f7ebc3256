// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.site;

import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.CrossInnerProducts;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/** A parameter of shape {@code [3, 2]} that writes down what an extension asks of it, for tests of declarations. */
public final class FakeSite implements SiteDeclaration {

    /**
     * What was asked.
     *
     * @param key the extension's name for it
     * @param signal the signal
     * @param contraction what is made of the signal's gradients
     */
    public record Request(String key, Signal signal, Contraction contraction) {}

    private final List<Request> requests = new ArrayList<>();
    private final long samples;

    /** Creates a parameter of a network that sees that many samples. */
    public FakeSite(long samples) {
        this.samples = samples;
    }

    /** What was asked so far, in order. */
    public List<Request> requests() {
        return List.copyOf(requests);
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
