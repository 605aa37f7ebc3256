// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import static io.backpack4j.spi.extension.ExtensionDescription.of;

import com.google.auto.service.AutoService;
import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.SpiVersion;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.extension.ExtensionDescription;
import io.backpack4j.spi.extension.ExtensionDescription.Option;
import io.backpack4j.spi.extension.ExtensionProvider;
import io.backpack4j.spi.extension.Subsampling;
import io.backpack4j.spi.module.KroneckerConvention;
import java.util.List;
import java.util.Optional;

/** Brings the extensions of this package. */
@AutoService(Plugin.class)
public final class SecondOrderPlugin implements Plugin {

    private static final String ID = "ext-secondorder";
    private static final String BOTEV = "A. Botev, H. Ritter, D. Barber (2017), ICML";
    private static final String BACKPACK = "BackPACK: F. Dangel, F. Kunstner, P. Hennig (2020), ICLR";

    private static final List<Option> CONVENTION = List.of(
            new Option(
                    "convention",
                    "default",
                    "what positions that share a weight do: expand, reduce, backpack; the default is backpack for convolutions, expand for Linear"));

    private static final List<Option> PRODUCTS = List.of(new Option(
            "products",
            "false",
            "whether tied parameters, and nodes without a rule, get theirs by Hessian products, one per element"));

    @Override
    public PluginDescriptor descriptor() {
        String version = SecondOrderPlugin.class.getPackage().getImplementationVersion();
        return new PluginDescriptor(ID, version == null ? "development" : version, SpiVersion.MAJOR);
    }

    @Override
    public List<ExtensionProvider> extensions() {
        return List.of(
                ExtensionProvider.of("BatchDiagGGNExact", options -> new BatchDiagGGNExact())
                        .describedBy(
                                of("<p>/diag_ggn_exact_batch", "[N, *p]", "the diagonal of J_nᵀ (c ∇²ℓ_n) J_n", "c")
                                        .source(BACKPACK)),
                ExtensionProvider.of("BatchDiagGGNMC", options -> new BatchDiagGGNMC(McSamples.of(options)))
                        .describedBy(
                                of("<p>/diag_ggn_mc_batch", "[N, *p]", "the same, estimated from drawn targets", "c")
                                        .option("mc_samples", "1", "draws of targets per sample")
                                        .source(BACKPACK)),
                ExtensionProvider.of("BatchDiagHessian", options -> new BatchDiagHessian(products(options)))
                        .describedBy(of("<p>/diag_h_batch", "[N, *p]", "the diagonal of c ∇²_θ ℓ_n", "c")
                                .options(PRODUCTS)
                                .source(BACKPACK)),
                ExtensionProvider.of("DiagGGNExact", options -> new DiagGGNExact())
                        .describedBy(of("<p>/diag_ggn_exact", "*p", "the diagonal of G = Σ_n J_nᵀ (c ∇²ℓ_n) J_n", "c")
                                .source(BACKPACK)),
                ExtensionProvider.of("DiagGGNMC", options -> new DiagGGNMC(McSamples.of(options)))
                        .describedBy(of("<p>/diag_ggn_mc", "*p", "the same, estimated from drawn targets", "c")
                                .option("mc_samples", "1", "draws of targets per sample")
                                .source(BACKPACK)),
                ExtensionProvider.of("DiagHessian", options -> new DiagHessian(products(options)))
                        .describedBy(of("<p>/diag_h", "*p", "the diagonal of the Hessian of L", "c")
                                .options(PRODUCTS)
                                .source(BACKPACK)),
                ExtensionProvider.of("GGNMP", options -> new GGNMP())
                        .describedBy(of("<p>/ggnmp", "[V, *p]", "the parameter's block of G, times vec/<p>", "c")
                                .source(BACKPACK)),
                ExtensionProvider.of("HMP", options -> new HMP())
                        .describedBy(
                                of("<p>/hmp", "[V, *p]", "the parameter's block of the Hessian, times vec/<p>", "c")
                                        .source(BACKPACK)),
                ExtensionProvider.of("PCHMP", options -> new PCHMP(projection(options)))
                        .describedBy(of(
                                        "<p>/pchmp_clip",
                                        "[V, *p]",
                                        "the parameter's block of the positive-curvature Hessian, times vec/<p>; pchmp_abs with modify=abs",
                                        "c")
                                .option("modify", "clip", "what becomes of negative curvature at nodes: clip, abs")
                                .source(BACKPACK)),
                ExtensionProvider.of("SqrtGGNExact", options -> new SqrtGGNExact(Subsampling.of(options)))
                        .describedBy(of("<p>/sqrt_ggn_exact", "[V, N, *p]", "F with FᵀF = G, V = C", "√c")
                                .option("subsampling", "all", "positions in the batch whose samples are taken")
                                .source(BACKPACK)),
                ExtensionProvider.of(
                                "SqrtGGNMC", options -> new SqrtGGNMC(McSamples.of(options), Subsampling.of(options)))
                        .describedBy(of(
                                        "<p>/sqrt_ggn_mc",
                                        "[V, N, *p]",
                                        "F with FᵀF = G in expectation, V = mc_samples",
                                        "√c")
                                .option("mc_samples", "1", "draws of targets per sample")
                                .option("subsampling", "all", "positions in the batch whose samples are taken")
                                .source(BACKPACK)),
                ExtensionProvider.of("KFAC", SecondOrderPlugin::kfac)
                        .describedBy(factors("kfac", "drawn targets, or the targets themselves")
                                .option("mc_samples", "1", "draws of targets per sample")
                                .option("fisher", "mc", "mc: drawn targets, empirical: the targets themselves")
                                .options(CONVENTION)
                                .source("J. Martens, R. Grosse (2015), ICML; R. Grosse, J. Martens (2016)")),
                ExtensionProvider.of("KFLR", options -> new KFLR(convention(options)))
                        .describedBy(factors("kflr", "the exact Hessian of the loss")
                                .options(CONVENTION)
                                .source(BOTEV)),
                ExtensionProvider.of("KFRA", options -> new KFRA(convention(options)))
                        .describedBy(factors(
                                        "kfra",
                                        "a curvature that is averaged over the samples at every node; chains only")
                                .options(CONVENTION)
                                .source(BOTEV)));
    }

    private static ExtensionDescription factors(String name, String made) {
        return of(
                        "<p>/" + name + "/0",
                        "[O, O], a bias [P, P], of a grouped weight [groups, O, O]",
                        "G, the output side of the curvature's block G ⊗ A, of " + made,
                        "c")
                .result(
                        "<p>/" + name + "/1",
                        "[I, I], [groups, I, I]",
                        "A = (1/N) Σ a aᵀ over the layer's inputs a, the input side of a weight",
                        "");
    }

    private static KFAC kfac(Arguments options) {
        String draws = "mc_samples";
        boolean empirical = options.word("fisher", "mc", "mc", "empirical").equals("empirical");
        if (empirical && options.has(draws)) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "KFAC(fisher=empirical) draws nothing: leave out 'mc_samples', or use fisher=mc.");
        }
        long samples = options.integer(draws, 1);
        if (samples < 1 || samples > Integer.MAX_VALUE) {
            throw options.wrong(draws, "a number of draws, at least 1", samples);
        }
        return new KFAC((int) samples, empirical ? Fisher.EMPIRICAL : Fisher.MC, convention(options));
    }

    private static boolean products(Arguments options) {
        return options.flag("products", false);
    }

    private static CurvatureMatrix.Projection projection(Arguments options) {
        return options.word("modify", "clip", "clip", "abs").equals("abs")
                ? CurvatureMatrix.Projection.ABS
                : CurvatureMatrix.Projection.CLIP;
    }

    private static Optional<KroneckerConvention> convention(Arguments options) {
        return switch (options.word("convention", "default", "default", "expand", "reduce", "backpack")) {
            case "expand" -> Optional.of(KroneckerConvention.EXPAND);
            case "reduce" -> Optional.of(KroneckerConvention.REDUCE);
            case "backpack" -> Optional.of(KroneckerConvention.BACKPACK);
            default -> Optional.empty();
        };
    }
}
