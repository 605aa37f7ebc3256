// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import static io.backpack4j.modules.conv.Types.create;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.testkit.module.ModuleCase;
import io.backpack4j.testkit.module.ModuleContract;
import io.backpack4j.testkit.module.TangentChecks;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every module that treats samples alone, in several configurations. */
class ConvModulesContractTest extends ModuleContract {

    private static final Shape LINE = Shape.of(2, 6);
    private static final Shape IMAGE = Shape.of(2, 4, 5);
    private static final Shape VOLUME = Shape.of(2, 3, 3, 4);

    /** What a plan puts in place of ReLU and these. */
    private static Module rectified(Shape sample, Module... others) {
        List<Module> chain = new ArrayList<>(List.of(Rectifier.RELU));
        chain.addAll(List.of(others));
        return RectifiedMaxPool.fuse(chain, sample).orElseThrow();
    }

    @Override
    protected List<ModuleCase> modules() {
        return List.of(
                ModuleCase.of(Conv.of(1, 2, 3, 2).withPadding(1).withDilation(2), LINE),
                ModuleCase.of(Conv.of(2, 2, 2, 2, 3).withStride(2, 1).withPadding(0, 1), IMAGE),
                ModuleCase.of(Conv.of(2, 2, 4, 3).withSamePadding().withGroups(2), IMAGE),
                ModuleCase.of(Conv.of(3, 2, 2, 2).withStride(2).withoutBias(), VOLUME),
                ModuleCase.of(ConvTranspose.of(1, 2, 3, 2).withStride(3).withOutputPadding(2), LINE),
                ModuleCase.of(ConvTranspose.of(2, 2, 4, 2).withPadding(1).withGroups(2), IMAGE),
                ModuleCase.of(ConvTranspose.of(3, 2, 1, 2).withDilation(2).withoutBias(), Shape.of(2, 2, 1, 2)),
                ModuleCase.of(MaxPool.of(1, 2), LINE),
                ModuleCase.of(create("MaxPool1d", "kernel_size", 3, "stride", 1, "dilation", 2), LINE),
                ModuleCase.of(create("MaxPool2d", "kernel_size", 2, "padding", 1, "ceil_mode", true), IMAGE),
                ModuleCase.of(MaxPool.of(3, 2), VOLUME),
                ModuleCase.of(rectified(LINE, MaxPool.of(1, 2)), LINE),
                ModuleCase.of(rectified(IMAGE, Pad.zeros(0, 1), MaxPool.of(2, 3, 2)), IMAGE),
                ModuleCase.of(create("AvgPool1d", "kernel_size", 4, "padding", 2), LINE),
                ModuleCase.of(
                        create(
                                "AvgPool2d",
                                "kernel_size",
                                List.of(3, 2),
                                "padding",
                                1,
                                "ceil_mode",
                                true,
                                "count_include_pad",
                                false),
                        IMAGE),
                ModuleCase.of(create("AvgPool2d", "kernel_size", 2, "divisor_override", 3), IMAGE),
                ModuleCase.of(AvgPool.of(3, 1, 2, 1), VOLUME),
                ModuleCase.of(AdaptiveAvgPool.of(1, 4), LINE),
                ModuleCase.of(new AdaptiveAvgPool(Arrays.asList(3L, null)), IMAGE),
                ModuleCase.of(new AdaptiveAvgPool(Arrays.asList(null, null)), IMAGE),
                ModuleCase.of(AdaptiveAvgPool.of(3, 2), VOLUME),
                ModuleCase.of(AdaptiveMaxPool.of(1, 4), LINE),
                ModuleCase.of(new AdaptiveMaxPool(Arrays.asList(null, 2L)), IMAGE),
                ModuleCase.of(AdaptiveMaxPool.of(3, 2), VOLUME),
                ModuleCase.of(Upsample.by(2, Upsample.Interpolation.NEAREST), LINE),
                ModuleCase.of(create("Upsample", "size", List.of(7, 3), "mode", "nearest"), IMAGE),
                ModuleCase.of(create("Upsample", "scale_factor", List.of(1, 2, 0.5)), VOLUME),
                ModuleCase.of(create("Upsample", "scale_factor", 1.7, "mode", "bilinear"), IMAGE),
                ModuleCase.of(create("Upsample", "size", 6, "mode", "bilinear", "align_corners", true), IMAGE),
                ModuleCase.of(Pad.zeros(1, 2), LINE),
                ModuleCase.of(Pad.zeros(-1, -2), LINE),
                ModuleCase.of(new Pad(List.of(1L, -2L, -1L, 3L, 0L, 1L), 2.5), IMAGE),
                ModuleCase.of(Pad.zeros(0, 0), IMAGE),
                ModuleCase.of(create("ZeroPad2d", "padding", 1), IMAGE),
                ModuleCase.of(create("ConstantPad3d", "padding", List.of(0, 1, 2, 0, -1, 1), "value", -1), VOLUME),
                ModuleCase.of(BatchNorm.of(1, 2, Mode.EVAL), Shape.of(2)),
                ModuleCase.of(BatchNorm.of(1, 2, Mode.EVAL), LINE),
                ModuleCase.of(BatchNorm.of(2, 2, Mode.EVAL), IMAGE),
                ModuleCase.of(create("BatchNorm3d", "num_features", 2, "affine", false, "mode", "eval"), VOLUME));
    }

    /** Unlike others', they do not fail with UnsupportedModule. */
    @TestFactory
    Stream<DynamicTest> allGoForwardAndHaveSecondDerivatives() {
        return modules().stream()
                .map(it -> dynamicTest(
                        it.toString(),
                        () -> TangentChecks.run(it.module(), 2, it.inputs().toArray(Shape[]::new))));
    }
}
