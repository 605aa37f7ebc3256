// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.BackpackException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExtensionExpressionsTest {

    @Test
    void readsExtensionsWithOptions() {
        assertThat(ExtensionExpressions.parse(
                        "KFAC(mc_samples=10),BatchGrad(subsampling=[0,2],as=x),Variance(parameters=[0.*,*.weight])"))
                .containsExactly(
                        new ExtensionExpression("KFAC", Map.of("mc_samples", 10L)),
                        new ExtensionExpression("BatchGrad", Map.of("subsampling", List.of(0L, 2L), "as", "x")),
                        new ExtensionExpression("Variance", Map.of("parameters", List.of("0.*", "*.weight"))));
    }

    @Test
    void readsCallsAsValues() {
        String text = "A(schedule=linear(interval=2,offset=1),adapt=[B(p=0.1,s=c()),none])";
        ExtensionExpression read = ExtensionExpressions.parse(text).get(0);
        assertThat(read.options())
                .containsEntry("schedule", new ExtensionExpression("linear", Map.of("interval", 2L, "offset", 1L)))
                .containsEntry(
                        "adapt",
                        List.of(
                                new ExtensionExpression(
                                        "B", Map.of("p", 0.1, "s", new ExtensionExpression("c", Map.of()))),
                                "none"));
        assertThat(ExtensionExpressions.parse(read.toString())).containsExactly(read);
        assertThatThrownBy(() -> ExtensionExpressions.parse("A" + "(a=b".repeat(40)))
                .hasMessageContaining("calls are nested more than 16 deep");
    }

    @Test
    void readsAllKindsOfValues() {
        List<ExtensionExpression> read = ExtensionExpressions.parse(
                " A ( a = -3 , b=1.5,c=1e-3,d=.5,e=true,f=false,g=[],h=[[1],[x,[y]]],i=a/b-?_+,j=2.branch.0 ) , B()"
                        + " ,C ");
        assertThat(read).extracting(ExtensionExpression::type).containsExactly("A", "B", "C");
        assertThat(read.get(0).options())
                .containsEntry("a", -3L)
                .containsEntry("b", 1.5)
                .containsEntry("c", 0.001)
                .containsEntry("d", 0.5)
                .containsEntry("e", true)
                .containsEntry("f", false)
                .containsEntry("g", List.of())
                .containsEntry("h", List.of(List.of(1L), List.of("x", List.of("y"))))
                .containsEntry("i", "a/b-?_+")
                .containsEntry("j", "2.branch.0");
        assertThat(read.get(1).options()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "`` | 1, an extension such as KFAC is expected, not the end",
                "A, | 3, an extension such as KFAC is expected, not the end",
                "A,,B | 3, an extension such as KFAC is expected, not ','",
                "A B | 3, ',' or the end is expected, not 'B'",
                "A) | 2, ',' or the end is expected, not ')'",
                "A( | 3, the name of an option is expected, not the end",
                "A(x | 4, '=' is expected, not the end",
                "A(x=) | 5, a value: a number, a word or a [list] is expected, not ')'",
                "A(x=1 | 6, ',' or ')' is expected, not the end",
                "A(x=1,) | 7, the name of an option is expected, not ')'",
                "A(x=[1) | 7, ',' or ']' is expected, not ')'",
                "A(x=1,x=2) | 7, the option 'x' is given twice",
                "A(x=99999999999999999999) | 5, '99999999999999999999' does not fit into 64 bits",
                "A(x=1e999) | 5, '1e999' is too large",
                "A(x='1') | 5, a value: a number, a word or a [list] is expected, not '''",
            })
    void saysWhatIsWrongAndWhere(String text, String expected) {
        assertThatThrownBy(() -> ExtensionExpressions.parse(text))
                .isInstanceOf(BackpackException.class)
                .hasMessage("[InvalidExtensions] Extensions '" + text + "' cannot be read: at character " + expected
                        + ". Write them like KFAC(mc_samples=10),BatchGrad.");
    }

    @Test
    void limitsNesting() {
        assertThatThrownBy(() -> ExtensionExpressions.parse("A(x=" + "[".repeat(100_000)))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining("at character 21, lists are nested more than 16 deep.");
    }

    @Test
    void writesWhatItReads() {
        String text = "KFAC(mc_samples=10),A(a=true,b=[[1],[x]],c=[]),B";
        assertThat(ExtensionExpressions.parse(text).stream().map(ExtensionExpression::toString))
                .containsExactly("KFAC(mc_samples=10)", "A(a=true,b=[[1],[x]],c=[])", "B");
    }
}
