// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;

/**
 * A module that is a small graph of others, which it names by type: it needs no derivatives of its own, and everything
 * that works for its parts works for it. The kernel puts the graph in its place when a network is bound. Best a record.
 * To users it is one module: parameters have its own names, and model files hold its own arguments.
 *
 * <p>Parts come from any plugin on the class path; one that is missing is reported together with the composition. They
 * may be compositions themselves. A composition says {@link #takesIntegers} itself of an input that goes to a part
 * which does; nothing else of a module's methods needs to be overridden. Random draws of a part are keyed by the part's
 * full name, {@code <node>.<part>}, and change with the name.
 */
public interface Composition extends Module {

    /**
     * The graph. It may depend on how many inputs there are, as that of an attention with an optional mask does, and is
     * a function of the arguments and of {@code inputs} alone.
     *
     * @param inputs the shapes of one sample's inputs
     * @throws BackpackException if the inputs do not fit; the kernel adds the node's name
     */
    CompositionGraph compose(List<Shape> inputs);

    /** Never called: the parts declare themselves. */
    @Override
    default ModuleDeclaration declare(List<Shape> inputs) {
        throw new IllegalStateException(
                type() + " is a composition: its parts declare themselves once a network is bound");
    }

    /** Never called: the parts evaluate themselves. */
    @Override
    default Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        throw new IllegalStateException(type() + " is a composition: its parts evaluate themselves");
    }
}
