"""What the four jobs have to give: exact counts of the data, and metrics beside those that AWS has published."""

from dataclasses import dataclass

Metrics = dict[str, float]

# rows of census-income.csv
ROWS = 199_523


@dataclass(frozen=True)
class Split:
    """One half of the data after preprocessing: its features' shape, its labels by class."""

    rows: int
    columns: int
    negative: int
    positive: int


# Ratio 0.2: census-preprocess. Ratio 0.3: census-own-image. Both add up to the 56,884 + 11,401 rows that are left
# after rows with gaps and duplicates are dropped.
SPLITS = {
    "preprocess/train": Split(rows=54_628, columns=69, negative=45_517, positive=9_111),
    "preprocess/test": Split(rows=13_657, columns=69, negative=11_367, positive=2_290),
    "own-image/train": Split(rows=47_799, columns=69, negative=39_864, positive=7_935),
    "own-image/test": Split(rows=20_486, columns=69, negative=17_020, positive=3_466),
}

# "Data Processing and Model Evaluation with scikit-learn", Amazon SageMaker's example, as run by AWS with
# scikit-learn 0.20.0
PUBLISHED: Metrics = {
    "accuracy": 0.7579995606648605,
    "ROC AUC": 0.7596003024152885,
    "precision, <= 50000": 0.9404501748,
    "recall, <= 50000": 0.7571918712,
    "F1, <= 50000": 0.8389297724,
    "precision, > 50000": 0.3873473918,
    "recall, > 50000": 0.7620087336,
    "F1, > 50000": 0.5136129507,
}
# the same scripts with scikit-learn 1.9.1 and pandas 3.1.1, outside of any cluster
REFERENCE: Metrics = {
    "accuracy": 0.7533133191769789,
    "ROC AUC": 0.7571338429676344,
    "precision, <= 50000": 0.9402245707,
    "recall, <= 50000": 0.7513855899,
    "F1, <= 50000": 0.8352647792,
    "precision, > 50000": 0.3820249289,
    "recall, > 50000": 0.7628820961,
    "F1, > 50000": 0.5091068046,
}
# how far accuracy and ROC AUC may be off: another version of the solver, and rounding
PUBLISHED_TOLERANCE = 0.01
REFERENCE_TOLERANCE = 0.001
