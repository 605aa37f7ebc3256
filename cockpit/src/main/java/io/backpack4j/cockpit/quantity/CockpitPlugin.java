// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import com.google.auto.service.AutoService;
import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.NamedService;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.SpiVersion;
import java.util.List;

/** Brings the quantities of this package. */
@AutoService(Plugin.class)
public final class CockpitPlugin implements Plugin {

    private static final String ID = "cockpit";

    @Override
    public PluginDescriptor descriptor() {
        String version = CockpitPlugin.class.getPackage().getImplementationVersion();
        return new PluginDescriptor(ID, version == null ? "development" : version, SpiVersion.MAJOR);
    }

    @Override
    public List<NamedService> services() {
        return List.of(
                QuantityProvider.of("Loss", (label, options) -> new Loss()),
                QuantityProvider.of("Time", (label, options) -> new Time()),
                QuantityProvider.of("Parameters", (label, options) -> new Parameters()),
                QuantityProvider.of("GradNorm", (label, options) -> new GradNorm()),
                QuantityProvider.of("Distance", (label, options) -> new Distance()),
                QuantityProvider.of("UpdateSize", (label, options) -> new UpdateSize()),
                QuantityProvider.of("Alpha", (label, options) -> new Alpha()),
                QuantityProvider.of("NormTest", (label, options) -> GradientTest.NORM),
                QuantityProvider.of("InnerTest", (label, options) -> GradientTest.INNER),
                QuantityProvider.of("OrthoTest", (label, options) -> GradientTest.ORTHO),
                QuantityProvider.of("GradHist1d", GradHist1d::new),
                QuantityProvider.of("GradHist2d", GradHist2d::new),
                QuantityProvider.of("HessTrace", (label, options) -> new HessTrace(CurvatureKind.of(options))),
                QuantityProvider.of("HessMaxEV", (label, options) -> new HessMaxEV(options)),
                QuantityProvider.of(
                        "TICDiag", (label, options) -> new TICDiag(CurvatureKind.of(options), epsilon(options, 1e-7))),
                QuantityProvider.of(
                        "TICTrace",
                        (label, options) -> new TICTrace(CurvatureKind.of(options), epsilon(options, 1e-7))),
                QuantityProvider.of("MeanGSNR", (label, options) -> new MeanGSNR(epsilon(options, 1e-5))),
                QuantityProvider.of("EarlyStopping", (label, options) -> new EarlyStopping(epsilon(options, 1e-5))),
                QuantityProvider.of("CABS", (label, options) -> new CABS()),
                QuantityProvider.of("NoiseScale", (label, options) -> new NoiseScale()),
                QuantityProvider.of("Eigenvalues", (label, options) -> new Eigenvalues(options)),
                QuantityProvider.withCatalog("CurvatureNoise", CurvatureNoise::new),
                QuantityProvider.of("UpdateRatio", (label, options) -> new UpdateRatio()),
                QuantityProvider.of(
                        "DeadUnits",
                        (label, options) -> ActivationQuantity.deadUnits(Options.patterns(options, "nodes"))),
                QuantityProvider.of(
                        "Saturation",
                        (label, options) -> ActivationQuantity.saturation(
                                Options.share(options, "threshold", 0.99), Options.patterns(options, "nodes"))),
                QuantityProvider.of("ClassBalance", (label, options) -> new ClassBalance()),
                QuantityProvider.of("InputScale", (label, options) -> new InputScale()),
                QuantityProvider.of(
                        "UnusualSamples",
                        (label, options) -> new UnusualSamples(Options.count(options, "count", 5, 10_000))));
    }

    private static double epsilon(Arguments options, double otherwise) {
        return Options.atLeastZero(options, "epsilon", otherwise);
    }
}
