// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.vivit;

import static io.backpack4j.spi.extension.ExtensionDescription.of;

import com.google.auto.service.AutoService;
import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.SpiVersion;
import io.backpack4j.spi.extension.ExtensionDescription.Option;
import io.backpack4j.spi.extension.ExtensionProvider;
import io.backpack4j.spi.extension.Subsampling;
import java.util.List;

/** Brings the extensions of this package. */
@AutoService(Plugin.class)
public final class VivitPlugin implements Plugin {

    private static final String ID = "ext-vivit";
    private static final String VIVIT = "ViViT: F. Dangel, L. Tatzel, P. Hennig (2022), TMLR";

    private static final List<Option> MATRIX = List.of(
            new Option("groups", "all", "the blocks: all, layer, parameter, or lists of patterns"),
            new Option("mc_samples", "0", "drawn columns per sample; 0: exact"));

    private static final List<Option> DIRECTIONS = List.of(
            new Option("top", "1", "the directions of so many largest eigenvalues"),
            new Option("keep", "none", "those with these numbers in the ascending list"),
            new Option("threshold", "none", "those of at least this part of the largest"),
            new Option("drop", "false", "leave out directions of eigenvalue zero, instead of an error"),
            new Option("rtol", "the precision's", "eigenvalues up to this part of the largest count as zero"));

    private static final List<Option> LAYERWISE =
            List.of(new Option("layerwise", "false", "whether every parameter has a matrix of its own, too: <p>/…"));

    @Override
    public PluginDescriptor descriptor() {
        String version = VivitPlugin.class.getPackage().getImplementationVersion();
        return new PluginDescriptor(ID, version == null ? "development" : version, SpiVersion.MAJOR);
    }

    @Override
    public List<ExtensionProvider> extensions() {
        return List.of(
                ExtensionProvider.of("CenteredBatchGrad", options -> new CenteredBatchGrad())
                        .describedBy(of("<p>/centered_grad_batch", "[N, *p]", "g_n − ḡ", "c")
                                .source(VIVIT)),
                ExtensionProvider.of(
                                "CenteredGramBatchGrad", options -> new CenteredGramBatchGrad(isLayerwise(options)))
                        .describedBy(of("*/centered_gram_batch_grad", "[N, N]", "⟨g_n − ḡ, g_m − ḡ⟩", "c²")
                                .options(LAYERWISE)
                                .source(VIVIT)),
                ExtensionProvider.of("DirectionalDampedNewton", VivitPlugin::newton)
                        .describedBy(of("<p>/damped_newton", "*p", "Σ_k −γ̄_k / (λ_k + δ) e_k", "")
                                .options(MATRIX)
                                .option("subsampling_ggn", "all", "positions in the batch of the matrix")
                                .options(DIRECTIONS)
                                .option("subsampling_grad", "all", "positions in the batch whose slopes are taken")
                                .option("damping", "1", "δ")
                                .source(VIVIT)),
                ExtensionProvider.of(
                                "DirectionalDerivatives",
                                options -> new DirectionalDerivatives(
                                        VivitOptions.root(options, "subsampling_ggn"),
                                        VivitOptions.directions(options, "DirectionalDerivatives"),
                                        VivitOptions.gradients(options)))
                        .describedBy(of("*/gammas/0", "[N, K]", "γ_nk = e_kᵀ g_n, g_n of the sample's own loss", "")
                                .result(
                                        "*/lambdas/0",
                                        "[N, K]",
                                        "λ_nk = e_kᵀ G_n e_k, G_n of the sample's own loss",
                                        "")
                                .options(MATRIX)
                                .option("subsampling_ggn", "all", "positions in the batch of the matrix")
                                .options(DIRECTIONS)
                                .option("subsampling_grad", "all", "positions in the batch whose slopes are taken")
                                .source(VIVIT)),
                ExtensionProvider.of(
                                "GgnEigenvalues",
                                options -> new GgnEigenvalues(VivitOptions.root(options, "subsampling")))
                        .describedBy(of(
                                        "*/ggn_evals/0",
                                        "[min(C·N, D)]",
                                        "eigenvalues of Ĝ = (1/N) Σ_n G_n, the matrix of the mean loss, ascending",
                                        "")
                                .options(MATRIX)
                                .option("subsampling", "all", "positions in the batch of the matrix")
                                .source(VIVIT)),
                ExtensionProvider.of(
                                "GgnEigenvectors",
                                options -> new GgnEigenvectors(
                                        VivitOptions.root(options, "subsampling"),
                                        VivitOptions.directions(options, "GgnEigenvectors")))
                        .describedBy(of(
                                        "<p>/ggn_evecs",
                                        "[K, *p]",
                                        "eigenvectors e_k, orthonormal over the parameters of a group",
                                        "")
                                .result("*/ggn_evecs_evals/0", "[K]", "their eigenvalues", "")
                                .options(MATRIX)
                                .option("subsampling", "all", "positions in the batch of the matrix")
                                .options(DIRECTIONS)
                                .source(VIVIT)),
                ExtensionProvider.of("GramBatchGrad", options -> new GramBatchGrad(isLayerwise(options)))
                        .describedBy(of("*/gram_batch_grad", "[N, N]", "⟨g_n, g_m⟩", "c²")
                                .options(LAYERWISE)
                                .source(VIVIT)),
                ExtensionProvider.of(
                                "GramSqrtGGNExact",
                                options -> new GramSqrtGGNExact(isLayerwise(options), Subsampling.of(options)))
                        .describedBy(of("*/gram_sqrt_ggn_exact", "[C·N, C·N]", "VᵀV of the root V, V Vᵀ = G", "c")
                                .options(LAYERWISE)
                                .option("subsampling", "all", "positions in the batch whose samples are taken")
                                .source(VIVIT)),
                ExtensionProvider.of(
                                "GramSqrtGGNMC",
                                options -> new GramSqrtGGNMC(
                                        VivitOptions.mcSamples(options, 1),
                                        isLayerwise(options),
                                        Subsampling.of(options)))
                        .describedBy(
                                of("*/gram_sqrt_ggn_mc", "[M·N, M·N]", "VᵀV of the estimated root, M = mc_samples", "c")
                                        .option("mc_samples", "1", "draws of targets per sample")
                                        .options(LAYERWISE)
                                        .option("subsampling", "all", "positions in the batch whose samples are taken")
                                        .source(VIVIT)),
                ExtensionProvider.of("Ntk", options -> new Ntk(isLayerwise(options)))
                        .describedBy(of("*/ntk", "[N, C, N, C]", "⟨∂f_nc/∂θ, ∂f_md/∂θ⟩", "")
                                .options(LAYERWISE)
                                .source("A. Jacot, F. Gabriel, C. Hongler (2018), NeurIPS")));
    }

    private static boolean isLayerwise(Arguments options) {
        return options.flag("layerwise", false);
    }

    private static DirectionalDampedNewton newton(Arguments options) {
        return new DirectionalDampedNewton(
                VivitOptions.root(options, "subsampling_ggn"),
                VivitOptions.directions(options, "DirectionalDampedNewton"),
                VivitOptions.gradients(options),
                Damping.constant(options.number("damping", 1)));
    }
}
