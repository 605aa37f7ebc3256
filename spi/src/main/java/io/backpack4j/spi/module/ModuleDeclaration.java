// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/**
 * What a module says of itself once the shapes of its inputs are known. Shapes are of one sample: the batch axis is not
 * part of them.
 *
 * @param output the shape of one sample's output
 * @param parameters parameters and buffers, in PyTorch's order
 * @param retainsInputs whether the evaluation uses its inputs after the forward pass
 * @param retainsOutput whether the evaluation uses its output after the forward pass
 * @param couplesSamples whether a sample's output depends on other samples; per-sample quantities are refused then
 * @param sharesJacobian whether the derivatives of a sample's output by its inputs, and by all parameters without
 *     Kronecker factors, are the same for all samples, whatever the inputs. Averages over samples are cheaper then; if
 *     in doubt, no
 * @param needsWholeBatch whether a batch must not come in chunks or be part of a session, because a sample's output
 *     depends on other samples. That is so wherever samples are coupled, and where they are but derivatives are taken
 *     as if they were not
 */
public record ModuleDeclaration(
        Shape output,
        List<ParameterSpec> parameters,
        boolean retainsInputs,
        boolean retainsOutput,
        boolean couplesSamples,
        boolean sharesJacobian,
        boolean needsWholeBatch) {

    public ModuleDeclaration {
        parameters = List.copyOf(parameters);
        needsWholeBatch |= couplesSamples;
    }

    /** A module that needs the whole batch only if it couples samples. */
    public ModuleDeclaration(
            Shape output,
            List<ParameterSpec> parameters,
            boolean retainsInputs,
            boolean retainsOutput,
            boolean couplesSamples,
            boolean sharesJacobian) {
        this(output, parameters, retainsInputs, retainsOutput, couplesSamples, sharesJacobian, couplesSamples);
    }

    /** A module without parameters that needs neither inputs nor output after the forward pass. */
    public static ModuleDeclaration output(Shape output) {
        return new ModuleDeclaration(output, List.of(), false, false, false, false);
    }

    /** Adds a parameter or buffer. */
    public ModuleDeclaration parameter(ParameterSpec spec) {
        List<ParameterSpec> more = new ArrayList<>(parameters);
        more.add(spec);
        return new ModuleDeclaration(
                output, more, retainsInputs, retainsOutput, couplesSamples, sharesJacobian, needsWholeBatch);
    }

    /** Says that inputs are used after the forward pass. */
    public ModuleDeclaration retainInputs() {
        return new ModuleDeclaration(
                output, parameters, true, retainsOutput, couplesSamples, sharesJacobian, needsWholeBatch);
    }

    /** Says that the output is used after the forward pass. */
    public ModuleDeclaration retainOutput() {
        return new ModuleDeclaration(
                output, parameters, retainsInputs, true, couplesSamples, sharesJacobian, needsWholeBatch);
    }

    /** Says that samples influence each other. */
    public ModuleDeclaration coupleSamples() {
        return new ModuleDeclaration(output, parameters, retainsInputs, retainsOutput, true, sharesJacobian, true);
    }

    /**
     * Says that samples influence each other, but that derivatives are taken as if what they have in common were
     * constant.
     */
    public ModuleDeclaration needWholeBatch() {
        return new ModuleDeclaration(
                output, parameters, retainsInputs, retainsOutput, couplesSamples, sharesJacobian, true);
    }

    /**
     * Says that all samples have the same Jacobian by the inputs and by all parameters without Kronecker factors, as
     * linear maps and biases do. The output side of Kronecker factors must depend on the cotangents alone.
     */
    public ModuleDeclaration shareJacobian() {
        return new ModuleDeclaration(
                output, parameters, retainsInputs, retainsOutput, couplesSamples, true, needsWholeBatch);
    }
}
