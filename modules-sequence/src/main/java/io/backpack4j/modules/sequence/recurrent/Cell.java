// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.recurrent;

import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What happens at one step, element by element. A cell's weights have G gates as blocks of H rows; every step has P
 * places of H numbers, which hold what comes from the weights, and then what the cell makes of it.
 */
interface Cell {

    Activation SIGMOID = Activation.of(Activation.Kind.SIGMOID);
    Activation TANH = Activation.of(Activation.Kind.TANH);

    /**
     * Neighbouring gates that belong to neighbouring places.
     *
     * @param gate the first gate
     * @param count how many
     * @param place the place of the first
     */
    record Run(int gate, int count, int place) {}

    /** G. */
    int gates();

    /** P. */
    int places();

    /** Where the gates of the state's weight are added; those of the input's weight are the first places. */
    List<Run> ofState();

    /** Whether what both weights give is added before anything else happens, so that it has the same cotangents. */
    default boolean addsBoth() {
        return gates() == places();
    }

    /** Whether backends go through all steps of it at once, as {@code Recurrences.lstm} says. */
    default boolean isFused() {
        return false;
    }

    /** Whether there is a second state c beside h. */
    boolean hasMemory();

    /**
     * Turns what came from the weights into the next state.
     *
     * @param step the places, overwritten by what they become, and the states
     */
    void forward(Elementwise ops, TensorScope scope, Step step);

    /**
     * Turns tangents of what came from the weights into tangents of the next state.
     *
     * @param values the step as it went forward
     * @param tangents the places, overwritten by the tangents of what they became, and those of the states
     */
    void push(Elementwise ops, TensorScope scope, Step values, Step tangents);

    /**
     * Goes back through a step.
     *
     * @param step what went forward
     * @param h the cotangents of the next h
     * @param memory those of the next c; null without
     * @param destination gets those of the places, {@code [P, *]}
     */
    Back pull(Terms terms, MovingStep step, Moving h, @Nullable Moving memory, Moving destination);

    /**
     * What comes back past the weights.
     *
     * @param h the cotangents of the last h; null for none
     * @param memory those of the last c; null without
     */
    record Back(@Nullable Moving h, @Nullable Moving memory) {}

    /** One step of a trajectory: views of its tensors. */
    record Step(TensorScope scope, Trajectory trajectory, long time) {

        static Step of(TensorScope scope, Trajectory trajectory, long time) {
            return new Step(scope, trajectory, time);
        }

        /** {@code [*, H]}. */
        Tensor place(int place) {
            return Moving.at(scope, Moving.at(scope, trajectory.places(), place), time);
        }

        Tensor last() {
            return Moving.at(scope, trajectory.h(), trajectory.before(time));
        }

        Tensor next() {
            return Moving.at(scope, trajectory.h(), trajectory.after(time));
        }

        Tensor lastMemory() {
            return Moving.at(scope, trajectory.memory(), trajectory.before(time));
        }

        Tensor nextMemory() {
            return Moving.at(scope, trajectory.memory(), trajectory.after(time));
        }

        /** tanh c of the next c, as the cell made it. */
        Tensor bounded() {
            return Moving.at(scope, trajectory.bounded(), time);
        }
    }

    /** One step with its tangents, if there are any. */
    record MovingStep(Step values, @Nullable Step tangents) {

        Moving place(int place) {
            return new Moving(values.place(place), tangents == null ? null : tangents.place(place));
        }

        Moving last() {
            return new Moving(values.last(), tangents == null ? null : tangents.last());
        }

        Moving lastMemory() {
            return new Moving(values.lastMemory(), tangents == null ? null : tangents.lastMemory());
        }

        Moving bounded() {
            return new Moving(values.bounded(), tangents == null ? null : tangents.bounded());
        }
    }
}
