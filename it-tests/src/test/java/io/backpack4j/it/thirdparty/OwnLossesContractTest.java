package io.backpack4j.it.thirdparty;

import io.backpack4j.modules.linear.loss.BCEWithLogitsLoss;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.testkit.LossCase;
import io.backpack4j.testkit.LossContract;
import java.util.List;

class OwnLossesContractTest extends LossContract {

    @Override
    protected List<LossCase> losses() {
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
}
