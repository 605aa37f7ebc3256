// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.thirdparty;

import io.backpack4j.modules.linear.loss.BCEWithLogitsLoss;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.modules.linear.loss.ElementNumbers;
import io.backpack4j.modules.linear.loss.GaussianNLLLoss;
import io.backpack4j.modules.linear.loss.HuberLoss;
import io.backpack4j.modules.linear.loss.KLDivLoss;
import io.backpack4j.modules.linear.loss.L1Loss;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.modules.linear.loss.NLLLoss;
import io.backpack4j.modules.linear.loss.PoissonNLLLoss;
import io.backpack4j.modules.linear.loss.SmoothL1Loss;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.testkit.loss.LossCase;
import io.backpack4j.testkit.loss.LossContract;
import java.util.ArrayList;
import java.util.List;

class OwnLossesContractTest extends LossContract {

    private static final double[] DOUBLES = {0.5, 0.1, 0, 0.2, 0.25, 1, 0.9, 0.4, 0.3, 0.6, 0.05, 0.7};

    @Override
    protected List<LossCase> losses() {
        List<LossCase> cases = new ArrayList<>(unweighted());
        cases.addAll(ofClasses());
        cases.addAll(ofElements());
        return cases;
    }

    private static List<LossCase> unweighted() {
        Shape table = Shape.of(3, 2);
        return List.of(
                LossCase.classes(new CrossEntropyLoss(LossReduction.MEAN), Shape.of(3, 4), 0, 3, 1),
                LossCase.classes(new CrossEntropyLoss(LossReduction.SUM), Shape.of(2, 3, 2), 0, 2, 1, 1),
                LossCase.classes(new CrossEntropyLoss(), Shape.of(2, 3, 2, 2), 0, 2, 1, 1, 2, 2, 0, 1),
                LossCase.real(new MSELoss(), Shape.of(2, 2, 3), 1, 0, 2, -1, 0.5, 3, 0, 1, -2, 0.25, 1, 4),
                LossCase.real(new MSELoss(), table, 0.5, -1, 0, 2, 0.25, 1),
                LossCase.real(new MSELoss(LossReduction.SUM), Shape.of(2, 1), 0.5, -1),
                LossCase.real(new BCEWithLogitsLoss(LossReduction.MEAN), table, 0.5, 1, 0, 1, 0.25, 1));
    }

    private static List<LossCase> ofClasses() {
        List<Double> weight = List.of(0.5, 2.0, 1.25);
        Shape rows = Shape.of(3, 3);
        Shape positions = Shape.of(2, 3, 2);
        return List.of(
                LossCase.classes(new CrossEntropyLoss(weight, -100, LossReduction.MEAN, 0), rows, 0, 2, 1),
                LossCase.classes(new CrossEntropyLoss(weight, 1, LossReduction.SUM, 0), positions, 0, 1, 1, 1),
                LossCase.classes(new CrossEntropyLoss(null, -100, LossReduction.MEAN, 0), positions, 0, -100, 1, 2),
                LossCase.classes(new CrossEntropyLoss(weight, 7, LossReduction.MEAN, 0.3), positions, 0, 7, 1, 2),
                LossCase.classes(new CrossEntropyLoss(null, -100, LossReduction.SUM, 1), rows, 0, 2, 1),
                LossCase.real(new CrossEntropyLoss(LossReduction.MEAN), rows, 0.2, 0.3, 0.5, 1, 0, 0, 0, 0, 0),
                LossCase.real(new CrossEntropyLoss(weight, -100, LossReduction.MEAN, 0.1), positions, DOUBLES),
                LossCase.classes(new NLLLoss(weight, 2, LossReduction.MEAN), positions, 0, 1, 2, 1),
                LossCase.classes(new NLLLoss(null, -100, LossReduction.SUM), rows, 0, 1, 2));
    }

    private static List<LossCase> ofElements() {
        Shape table = Shape.of(3, 2);
        Shape positions = Shape.of(2, 3, 2);
        double[] real = {0.5, -1, 0, 2, 0.25, 1};
        double[] counts = {0, 1, 4, 2.5, 0, 3};
        ElementNumbers columns = ElementNumbers.of(3, 0.25);
        ElementNumbers rows = new ElementNumbers(List.of(3L, 1L), List.of(0.5, 0.0, 2.0));
        LossReduction mean = LossReduction.MEAN;
        LossReduction sum = LossReduction.SUM;
        return List.of(
                LossCase.real(new BCEWithLogitsLoss(columns, null, mean), table, 0.5, 1, 0, 1, 0.25, 1),
                LossCase.real(new BCEWithLogitsLoss(null, columns, sum), table, 0.5, 1, 0, 1, 0.25, 1),
                LossCase.real(new BCEWithLogitsLoss(rows, ElementNumbers.ofAll(2), mean), positions, DOUBLES),
                LossCase.real(new L1Loss(mean), table, real),
                LossCase.real(new L1Loss(sum), positions, DOUBLES),
                LossCase.real(new SmoothL1Loss(mean, 0.7), table, real),
                LossCase.real(new SmoothL1Loss(sum, 1.5), positions, DOUBLES),
                LossCase.real(new SmoothL1Loss(mean, 0), positions, DOUBLES),
                LossCase.real(new HuberLoss(mean, 0.8), positions, DOUBLES),
                LossCase.real(new HuberLoss(sum, 2), table, real),
                LossCase.real(new PoissonNLLLoss(true, false, 1e-8, mean), table, counts),
                LossCase.real(new PoissonNLLLoss(true, true, 1e-8, sum), positions, DOUBLES),
                LossCase.real(new PoissonNLLLoss(false, true, 9, mean), table, counts),
                LossCase.real(new GaussianNLLLoss(columns, false, 1e-6, mean), positions, DOUBLES),
                LossCase.real(new GaussianNLLLoss(rows, true, 0.7, sum), positions, DOUBLES),
                LossCase.real(new KLDivLoss(KLDivLoss.Reduction.MEAN, false), table, counts),
                LossCase.real(new KLDivLoss(KLDivLoss.Reduction.BATCHMEAN, true), table, real),
                LossCase.real(new KLDivLoss(KLDivLoss.Reduction.SUM, true), positions, DOUBLES));
    }
}
