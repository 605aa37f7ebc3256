// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.module;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.testkit.Numbers;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * What holds for every module that treats samples alone and takes real numbers. A test of modules extends this class
 * and says which. Derivatives are compared with differences, in double precision and on {@link
 * io.backpack4j.testkit.heap.HeapBackend}, which finds tensors that are used after they were closed: inputs and
 * outputs are, unless the module retains them. Buffers are given positive numbers, as those that hold variances need.
 */
public abstract class ModuleContract {

    private static final int SAMPLES = ModuleRun.SAMPLES;
    private static final int COLUMNS = ModuleRun.COLUMNS;
    private static final double EXACT = 1e-11;
    private static final double SINGLE = 1e-4;

    /** The modules, with shapes of inputs. */
    protected abstract List<ModuleCase> modules();

    private Stream<DynamicTest> each(Consumer<ModuleCase> test) {
        return modules().stream().map(it -> dynamicTest(it.toString(), () -> test.accept(it)));
    }

    /**
     * Whether the output is linear in every weight with Kronecker factors, so that cotangents of the output are the
     * factors' own. Not so for recurrent cells.
     */
    protected boolean actsOnce(ModuleCase it) {
        return true;
    }

    @TestFactory
    final Stream<DynamicTest> declaresTheSameEveryTime() {
        return each(it -> {
            ModuleDeclaration declaration = it.module().declare(it.inputs());
            assertThat(it.module().declare(it.inputs())).isEqualTo(declaration);
            assertThat(declaration.parameters())
                    .extracting(ParameterSpec::name)
                    .doesNotHaveDuplicates()
                    .allMatch(name -> !name.isBlank());
            assertThat(declaration.couplesSamples()).as("couples samples").isFalse();
        });
    }

    /** A pass may put a module into either mode; its numbers stay where they are. */
    @TestFactory
    final Stream<DynamicTest> bothModesHaveTheSameParameters() {
        return each(it -> {
            ModuleDeclaration declaration = it.module().declare(it.inputs());
            for (Mode mode : Mode.values()) {
                Module inMode = it.module().inMode(mode);
                assertThat(inMode.type()).isEqualTo(it.module().type());
                assertThat(inMode.inMode(mode)).isEqualTo(inMode);
                ModuleDeclaration ofMode = inMode.declare(it.inputs());
                assertThat(ofMode.parameters()).isEqualTo(declaration.parameters());
                assertThat(ofMode.output()).isEqualTo(declaration.output());
                ModuleDeclaration constant = inMode.withConstantStatistics().declare(it.inputs());
                assertThat(constant.parameters()).isEqualTo(declaration.parameters());
                assertThat(constant.couplesSamples())
                        .as("couples samples with constant statistics")
                        .isFalse();
                assertThat(constant.needsWholeBatch()).isEqualTo(ofMode.needsWholeBatch());
            }
        });
    }

    @TestFactory
    final Stream<DynamicTest> refusesMissingInputs() {
        return each(
                it -> assertThatThrownBy(() -> it.module().declare(List.of())).isInstanceOf(BackpackException.class));
    }

    @TestFactory
    final Stream<DynamicTest> agreesWithDifferences() {
        return each(it -> {
            JacobianChecks.run(it.module(), 3, it.inputs().toArray(Shape[]::new));
            JacobianChecks.run(it.module(), 1, it.inputs().toArray(Shape[]::new));
        });
    }

    @TestFactory
    final Stream<DynamicTest> positionsStayApart() {
        return each(PositionChecks::run);
    }

    @TestFactory
    final Stream<DynamicTest> computesTheSameEveryTime() {
        return each(it -> ModuleRun.whole(it, DType.FLOAT64).assertCloseTo(ModuleRun.whole(it, DType.FLOAT64), 0));
    }

    @TestFactory
    final Stream<DynamicTest> computesInSinglePrecision() {
        return each(it -> ModuleRun.whole(it, DType.FLOAT32).assertCloseTo(ModuleRun.whole(it, DType.FLOAT64), SINGLE));
    }

    @TestFactory
    final Stream<DynamicTest> kroneckerFactorsFitTheGradients() {
        return each(it -> {
            if (actsOnce(it)) {
                KroneckerChecks.run(it);
            }
        });
    }

    @TestFactory
    final Stream<DynamicTest> lookedUpRowsAreThoseOfGradients() {
        return each(LookupChecks::run);
    }

    @TestFactory
    final Stream<DynamicTest> innerProductsOfTwoSignalsAreThoseOfGradients() {
        return each(it -> {
            CrossInnerProductChecks.run(it, DType.FLOAT64, EXACT);
            CrossInnerProductChecks.run(it, DType.FLOAT32, SINGLE);
        });
    }

    @TestFactory
    final Stream<DynamicTest> sharedJacobiansAreTheSameForAllSamples() {
        return each(SharedJacobianChecks::run);
    }

    @TestFactory
    final Stream<DynamicTest> chunksChangeNothing() {
        return each(it -> {
            ModuleOutcome whole = ModuleRun.whole(it, DType.FLOAT64);
            for (int cut = 0; cut <= SAMPLES; cut++) {
                ModuleOutcome first = ModuleRun.of(it, DType.FLOAT64, 0, cut, 0, COLUMNS);
                ModuleOutcome second = ModuleRun.of(it, DType.FLOAT64, cut, SAMPLES, 0, COLUMNS);
                ModuleOutcome.joined(first, second, COLUMNS).assertCloseTo(whole, EXACT);
            }
        });
    }

    @TestFactory
    final Stream<DynamicTest> columnsTravelAlone() {
        return each(it -> {
            ModuleOutcome whole = ModuleRun.whole(it, DType.FLOAT64);
            for (int column = 0; column < COLUMNS; column++) {
                ModuleOutcome alone = ModuleRun.of(it, DType.FLOAT64, 0, SAMPLES, column, column + 1);
                int number = column;
                alone.columns().forEach((name, values) -> {
                    double[] all = whole.columns(name);
                    int size = all.length / COLUMNS;
                    Numbers.assertClose(
                            name + " of column " + number,
                            values,
                            Arrays.copyOfRange(all, number * size, (number + 1) * size),
                            EXACT);
                });
            }
        });
    }

    @TestFactory
    final Stream<DynamicTest> tangentsAgreeWithDifferences() {
        return each(it -> ifSupported(
                () -> TangentChecks.pushforward(it.module(), 3, it.inputs().toArray(Shape[]::new))));
    }

    @TestFactory
    final Stream<DynamicTest> secondDerivativesAgreeWithDifferences() {
        return each(it -> ifSupported(
                () -> TangentChecks.pullbackTangent(it.module(), 3, it.inputs().toArray(Shape[]::new))));
    }

    /** A module need not go forward with tangents, but then it says so. */
    private static void ifSupported(Runnable check) {
        try {
            check.run();
        } catch (BackpackException e) {
            TangentChecks.requireUnsupported(e);
            Assumptions.abort(e.getMessage());
        }
    }
}
