// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.reading;

import io.backpack4j.onnx.proto.OnnxFile;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Names of nodes, made of what exporters leave in a file: names of parameters, of modules, of nodes. */
final class Names {

    private static final Pattern GENERATED = Pattern.compile(
            "onnx::.*|val_\\d+|/.*|\\d+|.*[Cc]onst.*|_to_copy.*|scalar_tensor.*|lifted_tensor.*|.*/[xy](:\\d+)?");
    private static final Pattern SCOPE = Pattern.compile("'([^']*)'");
    private static final List<String> PARAMETERS = List.of("weight", "bias", "kernel", "gamma");

    private Names() {}

    /** Whether an exporter made up an initializer's name, because it computed it. */
    static boolean isGenerated(String name) {
        return GENERATED.matcher(name).matches();
    }

    /** The name of a node with parameters: what its parameters' names begin with, or where it comes from. */
    static String ofModule(OnnxFile.Node node, List<Optional<String>> parameters) {
        for (Optional<String> parameter : parameters) {
            if (parameter.isPresent() && !isGenerated(parameter.get())) {
                String name = parameter.get().replaceAll("(/ReadVariableOp.*)?(:\\d+)?$", "");
                for (String ending : PARAMETERS) {
                    for (String separator : List.of(".", "_", "/")) {
                        String tail = separator + ending;
                        if (name.endsWith(tail) && name.length() > tail.length()) {
                            return name.substring(0, name.length() - tail.length());
                        }
                    }
                }
            }
        }
        return ofNode(node);
    }

    /** The name of a node without parameters. */
    static String ofNode(OnnxFile.Node node) {
        String scopes = node.metadata().get("pkg.torch.onnx.name_scopes");
        if (scopes != null) {
            List<String> names = new ArrayList<>();
            Matcher matcher = SCOPE.matcher(scopes);
            while (matcher.find()) {
                names.add(matcher.group(1));
            }
            int last = names.size() - 1;
            if (last > 0) {
                String module = names.get(last - 1);
                return module.isEmpty() ? names.get(last) : module + "." + names.get(last);
            }
        }
        if (node.name().startsWith("/")) {
            return ofPath(node.name());
        }
        return node.name().isEmpty() ? node.operator().toLowerCase(Locale.ROOT) : node.name();
    }

    /** Of {@code /layer1/layer1.0/conv1/Conv}: {@code layer1.0.conv1.Conv}. */
    private static String ofPath(String path) {
        String name = "";
        for (String part : path.substring(1).split("/", -1)) {
            name = name.isEmpty() || part.startsWith(name + ".") ? part : name + "." + part;
        }
        return name;
    }

    /** A name without what names of results cannot have. */
    static String clean(String name) {
        String clean = name.replaceAll("[^\\p{L}\\p{N}._-]", "_").replaceAll("^[._]+|[._]+$", "");
        return clean.isEmpty() ? "node" : clean.length() > 200 ? clean.substring(0, 200) : clean;
    }
}
