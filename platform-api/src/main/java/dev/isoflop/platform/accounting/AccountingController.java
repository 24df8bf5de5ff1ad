package dev.isoflop.platform.accounting;

import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.scaling.accounting.Accounting;
import dev.isoflop.scaling.accounting.AccountingException;
import dev.isoflop.scaling.accounting.Catalogue;
import dev.isoflop.scaling.accounting.Question;
import java.lang.reflect.RecordComponent;
import java.util.stream.Stream;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** Answers without looking anything up or keeping anything: a POST because a question is a document, not because it changes something. */
@RestController
@RequestMapping("/api/v1/accounting")
class AccountingController {

    /** Presets and devices that a question may name. */
    @GetMapping
    Catalogue known() {
        return Catalogue.all();
    }

    /** Parameters, FLOPs, memory, time and cost of a model, every figure with its arithmetic. */
    @PostMapping
    Accounting answer(@RequestBody Question question) {
        try {
            return question.answer();
        } catch (AccountingException e) {
            String pointer = (isOfModel(e.field()) ? "/model/" : "/") + e.field();
            throw ProblemException.field(pointer, e.fault());
        }
    }

    private static boolean isOfModel(String field) {
        return Stream.of(Question.ModelFields.class.getRecordComponents())
                .map(RecordComponent::getName)
                .anyMatch(field::equals);
    }
}
